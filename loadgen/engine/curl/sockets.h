#pragma once

#include <cstdint>
#include <vector>

#include "loadgen/engine/curl/request.h"
#include "loadgen/engine/poller.h"
#include "loadgen/stats/connection_counts.h"

namespace hydrapool::loadgen {

/// What the transfers of one engine share: its sockets, which are made, counted and closed here so that it is
/// known which has which local port, and the requests. One thread's.
class CurlSockets {
 public:
  struct Socket {
    int fd = -1;
    std::uint64_t carried = 0;  ///< requests
  };

  /// Both must outlive it, and it libcurl's last connection. `watch_ends`: closed_had_ended is wanted.
  CurlSockets(Poller& poller, ConnectionCounts& counts, bool watch_ends)
      : poller_(poller), counts_(counts), watch_ends_(watch_ends) {}

  /// As socket(2).
  int Open(int family, int type, int protocol);
  int Close(int fd);
  /// libcurl (7.88) closes a socket that did not connect without a word: so it is counted just before, where
  /// it is known to be open, or dropped, where it may be closed already.
  void Count(int fd, sys::Nanos now);
  void Drop(int fd) { opened_at_[static_cast<std::size_t>(fd)] = 0; }
  /// What the connections came to.
  [[nodiscard]] ConnectionCounts& counts() { return counts_; }
  /// The server had ended the connection that was closed last.
  [[nodiscard]] bool closed_had_ended() const { return closed_had_ended_; }
  /// Counts those that are still open, at the end of a run.
  void CountOpen(sys::Nanos now);

  /// Two connections to different servers may have the same local port; the later counts, and the check for
  /// staleness may then look at the wrong one, which at worst costs a new connection or a resend_suppressed.
  Socket& OfPort(int local_port) { return by_port_[static_cast<std::size_t>(local_port)]; }

  std::vector<CurlRequest> requests = {};

 private:
  Poller& poller_;
  ConnectionCounts& counts_;
  bool watch_ends_;
  bool closed_had_ended_ = false;
  std::vector<Socket> by_port_ = std::vector<Socket>(65536);
  std::vector<sys::Nanos> opened_at_;  // by descriptor; 0: not open, or counted
};

}  // namespace hydrapool::loadgen
