#pragma once

#include <string>

#include "hydrapool/unique_fd.h"

namespace hydrapool {

struct ListenOptions {
  int backlog = 4096;
  /// TCP_DEFER_ACCEPT, only where the kernel answers a full queue with syncookies: a silent client then
  /// surfaces after a second and cannot fill the queue. Never for a handler that speaks first.
  bool defer_accept = false;
  /// SO_REUSEPORT: beside another listener of the same user that has it too, and shares the connections with
  /// it.
  bool share_port = false;
};

/// A listening socket for an address: "unix:/PATH" (a stale socket file there is replaced, one that is
/// listened on, or a file of another kind, is not), or TCP for "HOST:PORT", "[v6]:PORT", ":PORT" (all
/// addresses, both families where the system has IPv6) or port 0 (the kernel chooses).
///
/// Non-blocking, close-on-exec. TCP_NODELAY and SO_OOBINLINE are set here because accepted sockets inherit
/// them (tcp(7)). One that the program before has left in this process (PoolOptions::program) is taken over
/// as it is. Throws std::system_error ("cannot listen on 0.0.0.0:80: Permission denied") or
/// std::invalid_argument for what is no address.
UniqueFd Listen(const std::string& address, const ListenOptions& options = {});

}  // namespace hydrapool
