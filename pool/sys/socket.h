#pragma once

#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>

#include "hydrapool/listen.h"
#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

using hydrapool::Listen;
using hydrapool::ListenOptions;

/// A connected, blocking stream socket: TCP, or "unix:/PATH" (which waits while the queue of those who want
/// in is full).
Result<UniqueFd> Connect(const std::string& address, std::chrono::milliseconds timeout);

/// The next connection, non-blocking and close-on-exec. `fd` empty and error 0: none is waiting.
struct Accepted {
  UniqueFd fd;
  int error = 0;  ///< errno where accept4 failed for another reason than "none" (EMFILE, ENFILE, ...)
};
Accepted Accept(int listener);

/// "127.0.0.1:8080", "[::1]:8080", "unix:/PATH" ("unix:" where it has no name); "?" where it cannot be told.
std::string LocalAddress(int fd);
[[nodiscard]] bool IsListening(int fd);
/// A connection with the local address of `listener`, which accept on that gives.
[[nodiscard]] bool IsAcceptedBy(int fd, int listener);
std::string PeerAddress(int fd);
/// 0 where there is none.
int LocalPort(int fd);

/// Resets the connection now, even while another process holds a copy of the descriptor: tcp(7) sends RST at
/// connect(AF_UNSPEC).
void ResetConnection(int fd);

/// Splits "HOST:PORT", "[::1]:PORT" or ":PORT". nullopt: not of that form, or a port past 65535.
struct HostPort {
  std::string host;
  std::string port;
};
std::optional<HostPort> SplitHostPort(const std::string& address);
/// An error: HOST:PORT's host is not known, here and now (getaddrinfo(3)), or what is at unix:/PATH is no
/// socket, and would not be replaced by one. Asks name servers; listens on nothing.
Result<void> CheckAddress(const std::string& address);

}  // namespace hydrapool::sys
