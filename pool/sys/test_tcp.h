#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "pool/sys/socket.h"
#include "pool/sys/unique_fd.h"

/// What tests of sockets share. Every wait ends after kPatience milliseconds, so a test that fails does not
/// hang.
namespace hydrapool::sys::test {

inline constexpr int kPatience = 20'000;

/// Waits until one of `events` is there; false: it never came.
inline bool WaitFor(int fd, short events, int milliseconds = kPatience) {
  pollfd waiting{fd, events, 0};
  return ::poll(&waiting, 1, milliseconds) > 0;
}

/// Both ends of a connection over loopback.
struct TcpPair {
  UniqueFd client;  ///< blocking
  UniqueFd server;  ///< non-blocking
};

inline TcpPair MakeTcpPair() {
  const UniqueFd listener = Listen("127.0.0.1:0");
  auto client = Connect(LocalAddress(listener.get()), std::chrono::milliseconds(kPatience));
  if (!client) throw std::runtime_error(client.error().message);
  WaitFor(listener.get(), POLLIN);
  return {std::move(*client), Accept(listener.get()).fd};
}

inline void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

/// Reads until `stop` bytes have come, the peer has finished (`*error` 0) or reading fails (`*error` its
/// errno; ETIMEDOUT when nothing came).
inline std::string ReadUpTo(int fd, std::size_t stop, int* error = nullptr) {
  std::string got;
  if (error != nullptr) *error = 0;
  while (got.size() < stop) {
    if (!WaitFor(fd, POLLIN)) {
      if (error != nullptr) *error = ETIMEDOUT;
      break;
    }
    char piece[16384];
    const ssize_t count = ::recv(fd, piece, std::min(sizeof piece, stop - got.size()), 0);
    if (count == 0) break;
    if (count < 0) {
      if (error != nullptr) *error = errno;
      break;
    }
    got.append(piece, static_cast<std::size_t>(count));
  }
  return got;
}

inline std::string ReadToEnd(int fd, int* error = nullptr) { return ReadUpTo(fd, SIZE_MAX, error); }

}  // namespace hydrapool::sys::test
