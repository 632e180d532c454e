#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "loadgen/engine/body_check.h"
#include "loadgen/engine/endpoint.h"
#include "loadgen/engine/poller.h"
#include "loadgen/engine/raw/request.h"
#include "loadgen/plan/plan.h"
#include "loadgen/stats/tally.h"
#include "pool/http/response_reader.h"
#include "pool/sys/socket.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// One connection of the raw engine, and the request it is carrying.
///
///   closed → Start → [connecting] → under way → over → kept alive or closed
///
/// A host's addresses are tried one after the other, each for a quarter of a second (RFC 8305's connection
/// attempt delay), and those that were given up then again for as long as there is time; the one that answers
/// is the first that the next connection tries.
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
  /// All must outlive it. `buffer` is for receiving, and may be shared by the connections of a thread.
  RawConnection(const Plan& plan, Poller& poller, ConnectionCounts& counts, std::span<char> buffer)
      : plan_(plan),
        poller_(poller),
        counts_(counts),
        buffer_(buffer),
        check_(plan),
        parser_(plan.worker_header, check_.needed() ? &check_ : nullptr) {}
  ~RawConnection() { Drop(); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  /// Sends `request`, which must stay until the result is there, to `endpoint`: on the open connection if
  /// there is one (which then leads there), else on a new one.
  /// `to_head`: the response has no body.
  std::optional<Result> Start(const Attempt& attempt, Endpoint& endpoint, const RequestBytes& request,
                              bool to_head);
  /// What epoll said of `fd()`, while a request is under way.
  std::optional<Result> OnEvents(std::uint32_t events);
  /// There is more to read or to send than one call does.
  [[nodiscard]] bool has_more() const { return has_more_; }
  std::optional<Result> Resume();
  /// When OnConnectDue is to be called; Agenda::kNever where nothing is being connected or it may take its
  /// time.
  [[nodiscard]] sys::Nanos connect_due() const { return connecting_ ? connect_due_ : kNever; }
  std::optional<Result> OnConnectDue(sys::Nanos now);
  /// Ends the request for want of time.
  Result TimedOut(sys::Nanos now);
  void Close(sys::Nanos now);
  /// Counts the connection, if it is open, as Close does; at the end of a run.
  void CountOpen(sys::Nanos now);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool open() const { return static_cast<bool>(fd_); }
  [[nodiscard]] const Attempt& attempt() const { return attempt_; }
  [[nodiscard]] int local_port() const { return open() ? sys::LocalPort(fd()) : 0; }

 private:
  enum class Received { kMore, kNothingYet, kOver };

  static constexpr sys::Nanos kNever = std::numeric_limits<sys::Nanos>::max();

  std::optional<Result> Connect();
  [[nodiscard]] sys::Nanos ConnectDue(sys::Nanos now) const;
  [[nodiscard]] std::size_t address() const;
  [[nodiscard]] bool MayTryMore() const;
  void Drop();
  int OpenSocket();
  std::optional<Result> Send();
  std::optional<Result> Receive();
  Received ReceiveOnce(bool to_the_end, Outcome& outcome);
  std::optional<Result> NotConnected(int error_number);
  Outcome OnClosed(int error_number);
  Outcome OnWhole();
  Result End(Outcome outcome, sys::Nanos now);

  const Plan& plan_;
  Poller& poller_;
  ConnectionCounts& counts_;
  std::span<char> buffer_;
  BodyCheck check_;
  http::ResponseReader parser_;
  sys::UniqueFd fd_;
  Attempt attempt_;
  Endpoint* endpoint_ = nullptr;
  std::string_view unsent_;
  std::string_view unsent_rest_;
  std::size_t first_ = 0;  // address
  std::size_t tried_ = 0;  // addresses
  bool gave_up_ = false;   // one of them, for want of time
  sys::Nanos connect_due_ = kNever;
  bool has_more_ = false;
  sys::Nanos opened_at_ = 0;
  std::uint64_t carried_ = 0;  // requests, by the open connection
  bool connecting_ = false;
  bool reused_ = false;
  bool peer_closed_ = false;  // as epoll said; what it sent before may still be there to read
  bool excess_ = false;
  int send_error_ = 0;
  Moments at_;
  std::string detail_;
};

}  // namespace hydrapool::loadgen
