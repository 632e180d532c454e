#pragma once

#include <bitset>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "loadgen/engine/body_check.h"
#include "loadgen/engine/endpoint.h"
#include "loadgen/engine/raw/request.h"
#include "loadgen/engine/response_text.h"
#include "loadgen/engine/transport.h"
#include "loadgen/plan/plan.h"
#include "loadgen/stats/tally.h"
#include "pool/http/response_reader.h"

namespace hydrapool::loadgen {

/// One connection of the raw engine, and the request it is carrying.
///
///   closed → Start → [connecting] → under way → over → kept alive or closed
///
/// It is carried by a Transport (transport.h), which connects and secures it.
///
/// No call reads or sends more than some hundred kB: where there is more to do at once, `has_more` says so
/// and the caller comes back with Resume, so that no connection keeps the thread from others.
///
/// Each of Start, OnEvents, Resume and OnConnectDue returns the result once the request is over, and then the
/// connection has already been closed if it can carry no more. Sockets are registered once, edge-triggered,
/// so a request costs a send(2), a receive and its share of an epoll_wait.
///
/// A request goes out once. If a kept-alive connection ends before the response, that is the outcome.
///
/// Results refer to the connection's own memory and are valid until the next call. Not movable; one thread's.
class RawConnection {
 public:
  explicit RawConnection(const ThreadShare& thread)
      : thread_(thread),
        check_(thread.plan),
        parser_(thread.plan.worker_header, check_.needed() ? &check_ : nullptr),
        transport_(thread) {}
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  /// Sends `request`, which must stay until the result is there, to `endpoint`: on the open connection if
  /// there is one (which then leads there), else on a new one.
  /// `to_head`: the response has no body. `security`: how a new connection is secured.
  std::optional<Result> Start(const Attempt& attempt, Endpoint& endpoint, const RequestBytes& request,
                              bool to_head, const Security& security = {});
  /// Of the responses to come so many bytes are kept for received(); 0, to begin with: none.
  void Keep(std::size_t most) { kept_.most = most; }
  /// The response's first bytes as they came, chunk sizes and all.
  [[nodiscard]] std::string_view received() const { return kept_.bytes; }
  /// The last response's status was expected after all: what was told of it did not count as told.
  void Untell(int status) { kept_.told.reset(static_cast<std::size_t>(status)); }
  /// What epoll said of `fd()`, while a request is under way.
  std::optional<Result> OnEvents(std::uint32_t events);
  /// There is more to read or to send than one call does.
  [[nodiscard]] bool has_more() const { return way_.has_more; }
  std::optional<Result> Resume();
  /// When OnConnectDue is to be called; AddressWalk::kNever where nothing is being connected or it may take
  /// its time.
  [[nodiscard]] sys::Nanos connect_due() const { return transport_.connect_due(); }
  std::optional<Result> OnConnectDue(sys::Nanos now);
  /// Ends the request for want of time.
  Result TimedOut(sys::Nanos now);
  void Close(sys::Nanos now);
  /// Counts the connection, if it is open, as Close does; at the end of a run.
  void CountOpen(sys::Nanos now) { transport_.CountOpen(now); }

  [[nodiscard]] int fd() const { return transport_.fd(); }
  [[nodiscard]] bool open() const { return transport_.open(); }
  [[nodiscard]] const Attempt& attempt() const { return attempt_; }
  [[nodiscard]] int local_port() const { return transport_.local_port(); }

 private:
  enum class Received { kMore, kNothingYet, kOver };
  /// How the request goes.
  struct Way {
    bool reused = false;  // its connection had carried another
    bool began = false;   // its first bytes are sent
    bool has_more = false;
    bool excess = false;  // bytes came behind the response
    int send_error = 0;
  };

  /// How the response began, where somebody wants to know.
  struct Kept {
    std::size_t most = 0;
    std::string bytes = {};
    std::bitset<1000> told = {};  // statuses that were not expected, of which the first response was shown
    ResponseText first = {};
  };

  std::optional<Result> Connecting(const std::optional<ConnectError>& failed);
  [[nodiscard]] bool WasTold(int status) const {
    const auto at = static_cast<std::size_t>(status);
    return at >= kept_.told.size() || kept_.told.test(at);
  }
  void KeepBytes(std::string_view bytes);
  void TellFirst(Result& result);
  std::optional<Result> Send();
  std::optional<Result> Receive();
  void Begin();
  Received ReceiveOnce(Outcome& outcome);
  Outcome OnClosed(int error_number);
  Outcome OnWhole();
  Result End(Outcome outcome, sys::Nanos now);

  const ThreadShare thread_;
  BodyCheck check_;
  http::ResponseReader parser_;
  Transport transport_;
  std::uint64_t carried_ = 0;  // requests, by the transport
  bool peer_closed_ = false;   // as epoll said; what it sent before may still be there to read
  Attempt attempt_;
  RequestBytes unsent_;
  Way way_;
  Moments at_;
  Kept kept_;
  bool to_head_ = false;
  std::string detail_;
};

}  // namespace hydrapool::loadgen
