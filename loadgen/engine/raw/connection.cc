#include "loadgen/engine/raw/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "loadgen/engine/expectation.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::uint32_t kEnded = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::size_t kOneSegment = 1400;
constexpr int kMostReceives = 4;
constexpr std::size_t kMostSent = 512 * 1024;
constexpr sys::Nanos kAttemptDelay = 250 * sys::kMillisecond;

bool WouldBlock(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK; }

}  // namespace

std::optional<Result> RawConnection::Start(const Attempt& attempt, Endpoint& endpoint,
                                           const RequestBytes& request, bool to_head) {
  attempt_ = attempt;
  endpoint_ = &endpoint;
  unsent_ = request.first;
  unsent_rest_ = request.rest;
  first_ = endpoint.preferred;
  tried_ = 0;
  gave_up_ = false;
  has_more_ = false;
  send_error_ = 0;
  excess_ = false;
  at_ = {};
  reused_ = open();
  if (!reused_) opened_at_ = attempt.sent;
  parser_.Begin(to_head);
  if (open()) ++carried_;
  return reused_ ? Send() : Connect();
}

std::optional<Result> RawConnection::Connect() {
  if (endpoint_->addresses.empty()) {
    detail_ = endpoint_->error;
    return End(Outcome::kResolve, sys::Now());
  }
  while (true) {
    int error_number = OpenSocket();
    if (error_number == 0) return Send();
    auto failed = NotConnected(error_number);
    if (failed) return failed;
  }
}

int RawConnection::OpenSocket() {
  const auto& address = endpoint_->addresses[this->address()];
  fd_.Reset(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return errno;
  if (unsent_.size() + unsent_rest_.size() > kOneSegment && address.storage.ss_family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  connecting_ = true;
  connect_due_ = ConnectDue(opened_at_);
  peer_closed_ = false;
  counts_.Opened();
  if (::connect(fd(), address.get(), address.size) != 0 && errno != EINPROGRESS) return errno;
  poller_.Want(fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  return 0;
}

std::optional<Result> RawConnection::NotConnected(int error_number) {
  const sys::Nanos now = sys::Now();
  Close(now);
  opened_at_ = now;
  ++tried_;
  if (MayTryMore()) return std::nullopt;
  detail_ = std::generic_category().message(error_number);
  return End(ConnectFailure(error_number), now);
}

std::size_t RawConnection::address() const { return (first_ + tried_) % endpoint_->addresses.size(); }

bool RawConnection::MayTryMore() const {
  const auto n = endpoint_->addresses.size();
  return tried_ < n || (gave_up_ && tried_ < 2 * n);
}

sys::Nanos RawConnection::ConnectDue(sys::Nanos now) const {
  const auto n = endpoint_->addresses.size();
  const auto limit = plan_.wire.connect_timeout;
  const sys::Nanos end = limit == 0 ? kNever : attempt_.sent + limit;
  if (n == 1 || tried_ + 1 == 2 * n) return end;
  if (tried_ < n) return std::min(end, now + kAttemptDelay);
  const sys::Nanos whole = std::min(end, attempt_.sent + plan_.wire.timeout);
  return now + std::max<sys::Nanos>(whole - now, 0) / static_cast<sys::Nanos>(2 * n - tried_);
}

std::optional<Result> RawConnection::OnConnectDue(sys::Nanos now) {
  const auto limit = plan_.wire.connect_timeout;
  if (limit != 0 && now >= attempt_.sent + limit) return TimedOut(now);
  gave_up_ = true;
  auto failed = NotConnected(ETIMEDOUT);
  return failed ? failed : Connect();
}

std::optional<Result> RawConnection::Resume() {
  has_more_ = false;
  return OnEvents(EPOLLIN);
}

std::optional<Result> RawConnection::Send() {
  std::size_t sent = 0;
  while (!unsent_.empty()) {
    if (sent >= kMostSent) {
      has_more_ = true;
      return std::nullopt;
    }
    const int more = unsent_rest_.empty() ? 0 : MSG_MORE;
    const auto n = ::send(fd(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | more);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && WouldBlock(errno)) return std::nullopt;
    if (n < 0) {
      send_error_ = errno;
      if (connecting_ && send_error_ != ECONNRESET && send_error_ != EPIPE) {
        auto failed = NotConnected(send_error_);
        return failed ? failed : Connect();
      }
      unsent_ = unsent_rest_ = {};
      peer_closed_ = true;
      return Receive();
    }
    if (connecting_) {
      connecting_ = false;
      carried_ = 1;
      ++counts_.http1;
      at_.connected = sys::Now();
      endpoint_->preferred = address();
    }
    sent += static_cast<std::size_t>(n);
    unsent_.remove_prefix(static_cast<std::size_t>(n));
    if (unsent_.empty()) unsent_ = std::exchange(unsent_rest_, {});
  }
  return std::nullopt;
}

std::optional<Result> RawConnection::OnEvents(std::uint32_t events) {
  if ((events & kEnded) != 0) peer_closed_ = true;
  if (!unsent_.empty()) {
    if (auto result = Send()) return result;
    if (connecting_) return std::nullopt;
  }
  return (events & (EPOLLIN | kEnded)) != 0 ? Receive() : std::nullopt;
}

std::optional<Result> RawConnection::Receive() {
  Outcome outcome = Outcome::kOther;
  for (int received = 0; received < kMostReceives; ++received) {
    switch (ReceiveOnce(peer_closed_, outcome)) {
      case Received::kNothingYet:
        return std::nullopt;
      case Received::kOver:
        return End(outcome, sys::Now());
      case Received::kMore:
        break;
    }
  }
  has_more_ = true;
  return std::nullopt;
}

RawConnection::Received RawConnection::ReceiveOnce(bool to_the_end, Outcome& outcome) {
  const auto n = ::recv(fd(), buffer_.data(), buffer_.size(), 0);
  if (n < 0 && errno == EINTR) return Received::kMore;
  if (n < 0 && WouldBlock(errno)) return Received::kNothingYet;
  if (n <= 0) {
    outcome = OnClosed(n < 0 ? errno : send_error_);
    return Received::kOver;
  }
  const auto size = static_cast<std::size_t>(n);
  const auto used = parser_.Feed({buffer_.data(), size});
  excess_ = used < size;
  if (parser_.malformed()) {
    detail_ = parser_.wrong();
    outcome = Outcome::kMalformed;
    return Received::kOver;
  }
  if (parser_.done()) {
    outcome = OnWhole();
    return Received::kOver;
  }
  if (at_.first_byte == 0) at_.first_byte = sys::Now();
  return to_the_end || size == buffer_.size() ? Received::kMore : Received::kNothingYet;
}

Outcome RawConnection::OnClosed(int error_number) {
  peer_closed_ = true;
  if (error_number == 0) parser_.Close();
  if (parser_.done()) return OnWhole();
  detail_ = error_number == 0 ? "closed by the server" : std::generic_category().message(error_number);
  if (parser_.began()) return error_number == 0 ? Outcome::kTruncated : Outcome::kResetInResponse;
  if (!reused_) return Outcome::kResetBeforeResponse;
  detail_ = "a kept-alive connection ended before the first byte of the response";
  return Outcome::kResendSuppressed;
}

Outcome RawConnection::OnWhole() {
  const auto length = check_.needed() ? check_.length() : parser_.body_bytes();
  return Judge(plan_, parser_.status(), length, check_.Passed());
}

Result RawConnection::TimedOut(sys::Nanos now) {
  detail_.clear();
  if (connecting_) endpoint_->preferred = (address() + 1) % endpoint_->addresses.size();
  const auto outcome = connecting_                ? Outcome::kTimeoutConnect
                       : parser_.head_bytes() > 0 ? Outcome::kTimeoutBody
                                                  : Outcome::kTimeoutFirstByte;
  return End(outcome, now);
}

Result RawConnection::End(Outcome outcome, sys::Nanos now) {
  const int port = Completed(outcome) ? 0 : local_port();
  if (Completed(outcome)) detail_.clear();
  if (at_.first_byte == 0 && parser_.head_bytes() > 0) at_.first_byte = now;
  if (Completed(outcome)) at_.whole = now;
  const bool whole = Completed(outcome) && unsent_.empty();
  const bool used_up = plan_.wire.reuse != 0 && carried_ >= plan_.wire.reuse;
  if (!whole || used_up || !parser_.keep_alive() || !plan_.wire.keep_alive || peer_closed_ || excess_)
    Close(now);
  return {.outcome = outcome,
          .end = now,
          .status = parser_.status(),
          .bytes = parser_.head_bytes() + parser_.body_bytes(),
          .local_port = port,
          .worker = parser_.kept(),
          .detail = detail_,
          .phases = PhasesOf(attempt_.sent, at_)};
}

void RawConnection::CountOpen(sys::Nanos now) {
  if (open()) counts_.Ended(fd(), opened_at_, now);
}

void RawConnection::Close(sys::Nanos now) {
  CountOpen(now);
  Drop();
}

void RawConnection::Drop() {
  if (!open()) return;
  poller_.Forget(fd());
  fd_.Reset();
  connecting_ = false;
  carried_ = 0;
}

}  // namespace hydrapool::loadgen
