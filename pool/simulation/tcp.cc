#include "pool/simulation/tcp.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hydrapool::simulation {
namespace {

// include/net/tcp_states.h
enum State {
  kEstablished = 1,
  kFinWait1 = 4,
  kFinWait2,
  kTimeWait,
  kClose,
  kCloseWait,
  kLastAck,
  kClosing = 11
};

}  // namespace

std::size_t TcpConnection::ClientRoom() const {
  constexpr std::size_t kMost = 16 * 1024;
  return client_finished_ || closed_ || to_server_.size() >= kMost ? 0 : kMost - to_server_.size();
}

void TcpConnection::ClientReset() {
  reset_on_its_way_ = true;
  client_closed_ = true;
}

void TcpConnection::ClientClose() {
  client_finished_ = true;
  client_closed_ = true;
}

std::size_t TcpConnection::ClientSpace() const {
  if (client_closed_) return SIZE_MAX;
  return weather_.client_buffer - std::min(weather_.client_buffer, client_inbox_.size());
}

ssize_t TcpConnection::Send(const char* bytes, std::size_t size) {
  if (error_) {
    error_ = false;
    return -ECONNRESET;
  }
  if (closed_ || fin_queued_) return -EPIPE;
  const std::size_t count =
      std::min(size, weather_.send_buffer - std::min(weather_.send_buffer, outbox_.size()));
  wants_space_ = wants_space_ || count < size;
  if (count == 0) return -EAGAIN;
  outbox_.append(bytes, count);
  write_seq_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t TcpConnection::Receive(char* into, std::size_t size, bool peek) {
  if (inbox_.empty()) {
    if (error_) {
      error_ = false;
      return -ECONNRESET;
    }
    return fin_arrived_ || closed_ ? 0 : -EAGAIN;
  }
  const std::size_t count = std::min(size, inbox_.size());
  if (into != nullptr) std::memcpy(into, inbox_.data(), count);
  if (!peek) inbox_.erase(0, count);
  return static_cast<ssize_t>(count);
}

int TcpConnection::ShutdownWrite() {
  if (closed_) return -ENOTCONN;
  if (fin_queued_) return 0;
  fin_queued_ = true;
  ++write_seq_;
  Wake();
  return 0;
}

// tcp_disconnect: a reset to the client, at once.
void TcpConnection::Disconnect() {
  if (!closed_) ResetBoth();
  error_ = false;
}

void TcpConnection::ServerClosed() {
  file_ = nullptr;
  server_closed_ = true;
  if (closed_) return;
  if (!inbox_.empty()) return ResetBoth();  // unread: tcp_close sends a reset
  ShutdownWrite();
}

void TcpConnection::SetReceiveBuffer(std::size_t bytes) {
  weather_.receive_buffer = std::max(weather_.receive_buffer, bytes);
}

std::uint32_t TcpConnection::Ready() const {
  std::uint32_t ready = 0;
  if (!inbox_.empty() || fin_arrived_ || closed_) ready |= EPOLLIN;
  if (fin_arrived_ || closed_) ready |= EPOLLRDHUP;
  if (closed_ || (fin_arrived_ && fin_queued_)) ready |= EPOLLHUP;
  if (error_) ready |= EPOLLERR;
  if (HasSpace() || fin_queued_ || closed_) {
    ready |= EPOLLOUT;
  } else {
    wants_space_ = true;
  }
  return ready;
}

bool TcpConnection::HasSpace() const {
  return outbox_.size() <= weather_.send_buffer - weather_.send_buffer / 3;
}

tcp_info TcpConnection::Info() const {
  tcp_info info{};
  const bool fin_acked = fin_queued_ && una_ == write_seq_;
  int state = fin_arrived_ ? kCloseWait : kEstablished;
  if (fin_queued_) {
    if (fin_acked) {
      state = fin_arrived_ ? kTimeWait : kFinWait2;
    } else {
      state = fin_arrived_ ? kLastAck : kFinWait1;
    }
  }
  info.tcpi_state = static_cast<std::uint8_t>(closed_ ? kClose : state);
  info.tcpi_bytes_acked = una_;
  info.tcpi_bytes_received = received_ + (fin_arrived_ ? 1 : 0);
  info.tcpi_bytes_sent = bytes_sent_;
  info.tcpi_bytes_retrans = bytes_retrans_;
  info.tcpi_notsent_bytes = static_cast<std::uint32_t>(Unsent());
  return info;
}

bool TcpConnection::CanTransmit() const {
  if (closed_) return false;
  if (Unsent() > 0) return ClientSpace() > 0;
  return fin_queued_ && !fin_delivered_;
}

bool TcpConnection::CanArrive() const {
  if (closed_) return false;
  if (reset_on_its_way_) return true;
  if (!to_server_.empty()) return server_closed_ || inbox_.size() < weather_.receive_buffer;
  return client_finished_ && !fin_arrived_;
}

bool TcpConnection::CanAct() const { return CanTransmit() || CanArrive() || CanAcknowledge(); }

void TcpConnection::Act(Random& random) {
  const auto start = random.Below(3);
  for (std::uint64_t i = 0; i < 3; ++i) {
    switch ((start + i) % 3) {
      case 0:
        if (CanTransmit()) return Transmit(random);
        break;
      case 1:
        if (CanArrive()) return Arrive(random);
        break;
      default:
        if (CanAcknowledge()) return Acknowledge(random);
    }
  }
}

void TcpConnection::Transmit(Random& random) {
  if (client_closed_ && Unsent() > 0) return ResetServer();
  if (Unsent() == 0) {
    fin_delivered_ = true;
    fin_unacknowledged_ = true;
    return;
  }
  const std::size_t most = std::min({Unsent(), ClientSpace(), weather_.segment});
  const std::size_t count = random.Some(most);
  bytes_sent_ += count;
  if (random.OneIn(weather_.local_drop))
    return;  // it stays where it is, and counts again when it is tried again
  if (random.OneIn(weather_.loss)) {
    bytes_sent_ += count;
    bytes_retrans_ += count;
  }
  client_inbox_.append(outbox_, in_flight_, count);
  in_flight_ += count;
}

void TcpConnection::Arrive(Random& random) {
  if (reset_on_its_way_) return ResetServer();
  if (to_server_.empty()) {
    fin_arrived_ = true;
    return Wake();
  }
  if (server_closed_) return ResetBoth();
  const std::size_t room = weather_.receive_buffer - inbox_.size();
  const std::size_t count = random.Some(std::min({to_server_.size(), room, weather_.segment}));
  inbox_.append(to_server_, 0, count);
  to_server_.erase(0, count);
  received_ += count;
  Wake();
}

void TcpConnection::Acknowledge(Random& random) {
  if (in_flight_ > 0) {
    const std::size_t count = random.Some(in_flight_);
    outbox_.erase(0, count);
    una_ += count;
    in_flight_ -= count;
  }
  if (in_flight_ == 0 && fin_unacknowledged_) {
    fin_unacknowledged_ = false;
    ++una_;
    Wake();  // the state has changed
  }
  if (wants_space_ && HasSpace()) {
    wants_space_ = false;
    Wake();
  }
}

void TcpConnection::ResetServer() {
  lost_by_reset_ = outbox_.size() - in_flight_;
  closed_ = true;
  error_ = true;
  outbox_.clear();
  in_flight_ = 0;
  to_server_.clear();
  Wake();
}

void TcpConnection::ResetBoth() {
  client_saw_reset_ = true;
  ResetServer();
}

void TcpConnection::Wake() const {
  if (file_ != nullptr) file_->Wake();
}

}  // namespace hydrapool::simulation
