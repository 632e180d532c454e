#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "loadgen/engine/address_walk.h"
#include "loadgen/engine/curl/hosts.h"
#include "loadgen/engine/curl/request.h"
#include "loadgen/engine/poller.h"
#include "loadgen/engine/source_addresses.h"
#include "loadgen/stats/connection_counts.h"

namespace hydrapool::loadgen {

/// What the transfers of one engine share: its sockets, which are made, counted and closed here so that it is
/// known which has which local port, the hosts and the requests. One thread's.
class CurlSockets {
 public:
  struct Socket {
    int fd = -1;
    std::uint64_t carried = 0;  ///< requests
  };

  /// All must outlive it, and it libcurl's last connection.
  CurlSockets(const Plan& plan, Poller& poller, SourceAddresses& sources, ConnectionCounts& counts)
      : hosts(plan),
        poller_(poller),
        sources_(sources),
        counts_(counts),
        watch_ends_(plan.wire.extras.http2) {}

  /// As socket(2), for a connection to `to`.
  int Open(const curl_sockaddr& to);
  int Close(int fd);
  /// libcurl (7.88) closes a socket that did not connect without a word: so it is counted just before, where
  /// it is known to be open, or dropped, where it may be closed already.
  void Count(int fd, sys::Nanos now);
  void Drop(int fd) { OpenedAs(fd).at = 0; }
  /// It carries its first request.
  void Connected(int fd) { counts_.addresses.Connected(OpenedAs(fd).address); }
  /// What the connections came to.
  [[nodiscard]] ConnectionCounts& counts() { return counts_; }
  /// HTTP/2: the server had ended the connection that was closed last.
  [[nodiscard]] bool closed_had_ended() const { return closed_had_ended_; }
  /// Counts those that are still open, at the end of a run.
  void CountOpen(sys::Nanos now);

  /// Two connections to different servers may have the same local port; the later counts, and the check for
  /// staleness may then look at the wrong one, which at worst costs a new connection or a resend_suppressed.
  Socket& OfPort(int local_port) { return by_port_[static_cast<std::size_t>(local_port)]; }

  /// A transfer's attempt to connect is to be looked at then, at the latest.
  void NoteConnectDue(sys::Nanos due) { connect_due_ = std::min(connect_due_, due); }
  /// When the first of them is; AddressWalk::kNever for none.
  [[nodiscard]] sys::Nanos connect_due() const { return connect_due_; }
  void ForgetConnectDue() { connect_due_ = AddressWalk::kNever; }
  /// A transfer's body is to go on then.
  void NotePaused(sys::Nanos until) { paused_until_ = std::min(paused_until_, until); }
  [[nodiscard]] sys::Nanos paused_until() const { return paused_until_; }
  void ForgetPaused() { paused_until_ = AddressWalk::kNever; }
  /// It has not been answered yet. `fd` is open.
  static bool IsConnecting(int fd);

  CurlHosts hosts;
  std::vector<CurlRequest> requests = {};

 private:
  struct Opened {
    sys::Nanos at = 0;        // 0: not open, or counted
    std::size_t address = 0;  // its place among those of the counts
  };
  Opened& OpenedAs(int fd) { return opened_[static_cast<std::size_t>(fd)]; }

  Poller& poller_;
  SourceAddresses& sources_;
  ConnectionCounts& counts_;
  bool watch_ends_;
  bool closed_had_ended_ = false;
  sys::Nanos connect_due_ = AddressWalk::kNever;
  sys::Nanos paused_until_ = AddressWalk::kNever;
  std::vector<Socket> by_port_ = std::vector<Socket>(65536);
  std::vector<Opened> opened_;  // by descriptor
};

}  // namespace hydrapool::loadgen
