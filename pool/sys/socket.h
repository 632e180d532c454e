#pragma once

#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>

#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

struct ListenOptions {
  int backlog = 4096;
  /// TCP_DEFER_ACCEPT, only where the kernel answers a full queue with syncookies: a silent client then
  /// surfaces after a second and cannot fill the queue. Never for a handler that speaks first.
  bool defer_accept = false;
};

/// A listening socket for an address: "unix:/PATH" (a stale socket file there is replaced, one that is
/// listened on, or a file of another kind, is not), or TCP for "HOST:PORT", "[v6]:PORT", ":PORT" (all
/// addresses, both families where the system has IPv6) or port 0 (the kernel chooses: see LocalAddress).
/// Non-blocking, close-on-exec. TCP_NODELAY and SO_OOBINLINE are set here because accepted sockets inherit
/// them: workers set no options (tcp(7)). Throws std::system_error ("cannot listen on 0.0.0.0:80: Permission
/// denied") or std::invalid_argument for what is no address.
UniqueFd Listen(const std::string& address, const ListenOptions& options = {});

/// A connected, blocking TCP socket.
Result<UniqueFd> Connect(const std::string& address, std::chrono::milliseconds timeout);

/// The next connection, non-blocking and close-on-exec. `fd` empty and error 0: none is waiting.
struct Accepted {
  UniqueFd fd;
  int error = 0;  ///< errno where accept4 failed for another reason than "none" (EMFILE, ENFILE, ...)
};
Accepted Accept(int listener);

/// "127.0.0.1:8080", "[::1]:8080", "unix:/PATH" ("unix:" where it has no name); "?" where it cannot be told.
std::string LocalAddress(int fd);
std::string PeerAddress(int fd);
/// 0 where there is none.
int LocalPort(int fd);

/// Resets the connection now, whoever else holds a copy of the descriptor: tcp(7) sends RST at
/// connect(AF_UNSPEC).
void ResetConnection(int fd);

/// Splits "HOST:PORT", "[::1]:PORT" or ":PORT". nullopt: not of that form, or a port past 65535.
struct HostPort {
  std::string host;
  std::string port;
};
std::optional<HostPort> SplitHostPort(const std::string& address);

}  // namespace hydrapool::sys
