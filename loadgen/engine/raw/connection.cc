#include "loadgen/engine/raw/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>

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

bool WouldBlock(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK; }

}  // namespace

std::optional<Result> RawConnection::Start(const Attempt& attempt, Endpoint& endpoint,
                                           const RequestBytes& request, bool to_head,
                                           const Security& security) {
  attempt_ = attempt;
  security_ = security;
  walk_.Begin(endpoint, attempt.sent);
  unsent_ = request;
  way_ = {.reused = open()};
  at_ = {};
  to_head_ = to_head;
  kept_.bytes.clear();
  parser_.Begin(to_head);
  if (!way_.reused) {
    socket_.opened_at = attempt.sent;
    return Connect();
  }
  ++socket_.carried;
  return Send();
}

std::optional<Result> RawConnection::Connect() {
  if (!walk_.has_address()) {
    detail_ = walk_.error();
    return End(Outcome::kResolve, sys::Now());
  }
  if (security_.tls != nullptr && !security_.tls->error().empty()) {
    detail_ = security_.tls->error();
    return End(Outcome::kTls, sys::Now());
  }
  while (true) {
    int error_number = OpenSocket();
    if (error_number == 0) return Send();
    auto failed = NotConnected(error_number);
    if (failed) return failed;
  }
}

int RawConnection::OpenSocket() {
  const auto& address = walk_.address();
  socket_.fd.Reset(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.fd) return errno;
  if (const int error_number = thread_.sources.Bind(fd(), address.storage.ss_family); error_number != 0)
    return error_number;
  if (unsent_.first.size() + unsent_.rest.size() > kOneSegment && address.storage.ss_family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  socket_.connecting = true;
  socket_.connect_due = walk_.Due(socket_.opened_at);
  socket_.peer_closed = false;
  socket_.address = thread_.counts.Opened(address.get(), address.size);
  if (::connect(fd(), address.get(), address.size) != 0 && errno != EINPROGRESS) return errno;
  thread_.poller.Want(fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  if (security_.tls != nullptr) socket_.ssl = security_.tls->Begin(fd(), *security_.host);
  return 0;
}

void RawConnection::NoteConnected(sys::Nanos connect_due) {
  if (at_.connected != 0) return;
  at_.connected = sys::Now();
  socket_.connect_due = connect_due;
  walk_.Connected();
}

std::optional<Result> RawConnection::NotConnected(int error_number, bool too_slow) {
  const sys::Nanos now = sys::Now();
  Close(now);
  socket_.opened_at = now;
  if (walk_.Next(too_slow)) return std::nullopt;
  detail_ = std::generic_category().message(error_number);
  return End(ConnectFailure(error_number), now);
}

std::optional<Result> RawConnection::OnConnectDue(sys::Nanos now) {
  if (walk_.IsOver(now)) return TimedOut(now);
  auto failed = NotConnected(ETIMEDOUT, true);
  return failed ? failed : Connect();
}

std::optional<Result> RawConnection::Resume() {
  way_.has_more = false;
  return OnEvents(EPOLLIN);
}

std::optional<Result> RawConnection::Send() {
  if (socket_.ssl && socket_.connecting) {
    if (auto result = Secure()) return result;
    if (at_.secured == 0) return std::nullopt;
  }
  std::size_t sent = 0;
  while (!unsent_.first.empty()) {
    if (sent >= kMostSent) {
      way_.has_more = true;
      return std::nullopt;
    }
    const auto n = Write();
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && WouldBlock(errno)) return std::nullopt;
    if (n < 0) {
      way_.send_error = errno;
      if (socket_.connecting && way_.send_error != ECONNRESET && way_.send_error != EPIPE) {
        auto failed = NotConnected(way_.send_error);
        return failed ? failed : Connect();
      }
      unsent_ = {};
      socket_.peer_closed = true;
      return Receive();
    }
    if (socket_.connecting) {
      socket_.connecting = false;
      socket_.carried = 1;
      ++thread_.counts.http1;
      thread_.counts.addresses.Connected(socket_.address);
      NoteConnected(AddressWalk::kNever);
    }
    sent += static_cast<std::size_t>(n);
    if (thread_.plan.wire.tap != nullptr)
      thread_.plan.wire.tap->Sent(unsent_.first.substr(0, static_cast<std::size_t>(n)));
    unsent_.first.remove_prefix(static_cast<std::size_t>(n));
    if (unsent_.first.empty()) unsent_.first = std::exchange(unsent_.rest, {});
  }
  return std::nullopt;
}

std::optional<Result> RawConnection::OnEvents(std::uint32_t events) {
  if ((events & kEnded) != 0) socket_.peer_closed = true;
  if (!unsent_.first.empty()) {
    if (auto result = Send()) return result;
    if (socket_.connecting) return std::nullopt;
  }
  return (events & (EPOLLIN | kEnded)) != 0 ? Receive() : std::nullopt;
}

std::optional<Result> RawConnection::Receive() {
  Outcome outcome = Outcome::kOther;
  for (int received = 0; received < kMostReceives; ++received) {
    switch (ReceiveOnce(socket_.peer_closed, outcome)) {
      case Received::kNothingYet:
        return std::nullopt;
      case Received::kOver:
        return End(outcome, sys::Now());
      case Received::kMore:
        break;
    }
  }
  way_.has_more = true;
  return std::nullopt;
}

RawConnection::Received RawConnection::ReceiveOnce(bool to_the_end, Outcome& outcome) {
  const auto n = Read();
  if (n < 0 && errno == EINTR) return Received::kMore;
  if (n < 0 && WouldBlock(errno)) return Received::kNothingYet;
  if (n <= 0) {
    outcome = OnClosed(n < 0 ? errno : way_.send_error);
    return Received::kOver;
  }
  const auto size = static_cast<std::size_t>(n);
  if (thread_.plan.wire.tap != nullptr) thread_.plan.wire.tap->Received({thread_.buffer.data(), size});
  const auto used = parser_.Feed({thread_.buffer.data(), size});
  way_.excess = used < size;
  KeepBytes({thread_.buffer.data(), used});
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
  return to_the_end || socket_.ssl || size == thread_.buffer.size() ? Received::kMore : Received::kNothingYet;
}

/// Of what is not asked for it keeps what may become the first response of an unexpected status.
void RawConnection::KeepBytes(std::string_view bytes) {
  const int status = parser_.status();
  const bool untold = status == 0 || (!IsExpected(thread_.plan, status) && !WasTold(status));
  const auto most = kept_.most != 0 ? kept_.most : untold ? kMostOfHead + kMostOfBody : 0;
  if (kept_.bytes.size() < most) kept_.bytes += bytes.substr(0, most - kept_.bytes.size());
}

void RawConnection::TellFirst(Result& result) {
  if (result.outcome != Outcome::kBadStatus || WasTold(result.status)) return;
  kept_.told.set(static_cast<std::size_t>(result.status));
  kept_.first = ParseResponse(kept_.bytes, to_head_, kMostOfBody);
  result.head = kept_.first.head;
  result.body = kept_.first.body;
}

Outcome RawConnection::OnClosed(int error_number) {
  socket_.peer_closed = true;
  if (error_number == 0) parser_.Close();
  if (parser_.done()) return OnWhole();
  detail_ = error_number == 0 ? "closed by the server" : std::generic_category().message(error_number);
  if (parser_.began()) return error_number == 0 ? Outcome::kTruncated : Outcome::kResetInResponse;
  if (!way_.reused) return Outcome::kResetBeforeResponse;
  detail_ = "a kept-alive connection ended before the first byte of the response";
  return Outcome::kResendSuppressed;
}

Outcome RawConnection::OnWhole() {
  const auto length = check_.needed() ? check_.length() : parser_.body_bytes();
  return Judge(thread_.plan, parser_.status(), length, check_.Passed());
}

Result RawConnection::TimedOut(sys::Nanos now) {
  detail_.clear();
  if (socket_.connecting) walk_.GaveUp();
  const auto outcome = socket_.connecting         ? Outcome::kTimeoutConnect
                       : parser_.head_bytes() > 0 ? Outcome::kTimeoutBody
                                                  : Outcome::kTimeoutFirstByte;
  return End(outcome, now);
}

Result RawConnection::End(Outcome outcome, sys::Nanos now) {
  const int port = Completed(outcome) ? 0 : local_port();
  if (Completed(outcome)) detail_.clear();
  if (at_.first_byte == 0 && parser_.head_bytes() > 0) at_.first_byte = now;
  if (Completed(outcome)) at_.whole = now;
  const bool whole = Completed(outcome) && unsent_.first.empty();
  const bool used_up = thread_.plan.wire.reuse != 0 && socket_.carried >= thread_.plan.wire.reuse;
  if (!whole || used_up || !parser_.keep_alive() || !thread_.plan.wire.keep_alive || socket_.peer_closed ||
      way_.excess)
    Close(now);
  Result result{.outcome = outcome,
                .end = now,
                .status = parser_.status(),
                .bytes = parser_.head_bytes() + parser_.body_bytes(),
                .local_port = port,
                .worker = parser_.kept(),
                .detail = detail_,
                .phases = PhasesOf(attempt_.sent, at_)};
  TellFirst(result);
  return result;
}

void RawConnection::CountOpen(sys::Nanos now) {
  if (open()) thread_.counts.Ended(fd(), socket_.opened_at, now);
}

void RawConnection::Close(sys::Nanos now) {
  CountOpen(now);
  Drop();
}

void RawConnection::Drop() {
  if (!open()) return;
  thread_.poller.Forget(fd());
  socket_.ssl.reset();
  socket_.fd.Reset();
  socket_.connecting = false;
  socket_.carried = 0;
}

}  // namespace hydrapool::loadgen
