#include "loadgen/engine/raw/connection.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "loadgen/engine/expectation.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::uint32_t kEnded = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::size_t kOneSegment = 1400;
constexpr int kMostReceives = 4;
constexpr std::size_t kMostSent = 512 * 1024;

}  // namespace

std::optional<Result> RawConnection::Start(const Attempt& attempt, Endpoint& endpoint,
                                           const RequestBytes& request, bool to_head,
                                           const Security& security) {
  attempt_ = attempt;
  unsent_ = request;
  way_ = {.reused = open()};
  at_ = {};
  to_head_ = to_head;
  kept_.bytes.clear();
  parser_.Begin(to_head);
  if (way_.reused) return Send();
  const bool delay = security.tls == nullptr && request.first.size() + request.rest.size() <= kOneSegment;
  return Connecting(transport_.Open(endpoint, security, attempt.sent, delay));
}

/// Goes on where the transport is ready by now.
std::optional<Result> RawConnection::Connecting(const std::optional<ConnectError>& failed) {
  if (failed) {
    detail_ = failed->detail;
    return End(failed->outcome, sys::Now());
  }
  return transport_.ready() ? Send() : std::nullopt;
}

std::optional<Result> RawConnection::OnConnectDue(sys::Nanos now) {
  return Connecting(transport_.OnConnectDue(now));
}

std::optional<Result> RawConnection::Resume() {
  way_.has_more = false;
  return OnEvents(EPOLLIN);
}

std::optional<Result> RawConnection::Send() {
  std::size_t total = 0;
  while (!unsent_.first.empty()) {
    if (total >= kMostSent) {
      way_.has_more = true;
      return std::nullopt;
    }
    const auto sent = transport_.Send(unsent_.first, !unsent_.rest.empty());
    if (sent.over) {
      way_.send_error = sent.error_number;
      unsent_ = {};
      peer_closed_ = true;
      return Receive();
    }
    if (sent.size == 0) return std::nullopt;
    if (!way_.began) Begin();
    total += sent.size;
    if (thread_.plan.wire.tap != nullptr) thread_.plan.wire.tap->Sent(unsent_.first.substr(0, sent.size));
    unsent_.first.remove_prefix(sent.size);
    if (unsent_.first.empty()) unsent_.first = std::exchange(unsent_.rest, {});
  }
  return std::nullopt;
}

/// The request's first bytes are on their way.
void RawConnection::Begin() {
  way_.began = true;
  if (++carried_ == 1) ++thread_.counts.http1;
}

std::optional<Result> RawConnection::OnEvents(std::uint32_t events) {
  if (!transport_.ready()) {
    auto result = Connecting(transport_.OnEvents(events));
    // What ended then may be the connection to another address.
    if (result || !transport_.ready() || (events & (EPOLLHUP | EPOLLERR)) != 0) return result;
  }
  if ((events & kEnded) != 0) peer_closed_ = true;
  if (!unsent_.first.empty()) {
    if (auto result = Send()) return result;
  }
  return (events & (EPOLLIN | kEnded)) != 0 ? Receive() : std::nullopt;
}

std::optional<Result> RawConnection::Receive() {
  Outcome outcome = Outcome::kOther;
  for (int received = 0; received < kMostReceives; ++received) {
    switch (ReceiveOnce(outcome)) {
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

RawConnection::Received RawConnection::ReceiveOnce(Outcome& outcome) {
  const auto got = transport_.Receive(thread_.buffer);
  if (got.over) {
    outcome = OnClosed(got.error_number != 0 ? got.error_number : way_.send_error);
    return Received::kOver;
  }
  if (got.size == 0) return Received::kNothingYet;
  const std::string_view bytes(thread_.buffer.data(), got.size);
  if (thread_.plan.wire.tap != nullptr) thread_.plan.wire.tap->Received(bytes);
  const auto used = parser_.Feed(bytes);
  way_.excess = used < bytes.size();
  KeepBytes(bytes.substr(0, used));
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
  return got.drained && !peer_closed_ ? Received::kNothingYet : Received::kMore;
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
  peer_closed_ = true;
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
  if (!transport_.ready()) transport_.GaveUp();
  const auto outcome = !transport_.ready()        ? Outcome::kTimeoutConnect
                       : parser_.head_bytes() > 0 ? Outcome::kTimeoutBody
                                                  : Outcome::kTimeoutFirstByte;
  return End(outcome, now);
}

Result RawConnection::End(Outcome outcome, sys::Nanos now) {
  const int port = Completed(outcome) ? 0 : local_port();
  if (Completed(outcome)) detail_.clear();
  if (!way_.reused) {
    at_.connected = transport_.at().connected;
    at_.secured = transport_.at().secured;
  }
  if (at_.first_byte == 0 && parser_.head_bytes() > 0) at_.first_byte = now;
  if (Completed(outcome)) at_.whole = now;
  const bool whole = Completed(outcome) && unsent_.first.empty();
  const bool used_up = thread_.plan.wire.reuse != 0 && carried_ >= thread_.plan.wire.reuse;
  if (!whole || used_up || !parser_.keep_alive() || !thread_.plan.wire.keep_alive || peer_closed_ ||
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

void RawConnection::Close(sys::Nanos now) {
  transport_.Close(now);
  carried_ = 0;
  peer_closed_ = false;
}

}  // namespace hydrapool::loadgen
