#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace hydrapool {

/// Who is at the other end, as a limit counts them: an IPv4 address, or the /64 of an IPv6 one. 0: nobody
/// that can be counted, as on a UNIX socket. Pure.
[[nodiscard]] std::uint64_t PeerOf(const sockaddr_storage& address);

/// How many connections each peer has, so that one cannot have all places.
///
///     if (limit.Admits(fd)) limit.Enter(slot, fd);
///     limit.Leave(slot);   // once it is closed
///
/// A parent's own: the next one enters what it takes over.
class PeerLimit {
 public:
  explicit PeerLimit(std::size_t slots) : peers_(slots) {}

  /// Each may have so many; 0: there is no limit, and nothing is counted.
  void Limit(std::size_t most) { most_ = most; }
  [[nodiscard]] bool Admits(int fd) const;
  void Enter(std::uint32_t slot, int fd);
  void Leave(std::uint32_t slot);

 private:
  std::size_t most_ = 0;
  std::vector<std::uint64_t> peers_;  // by slot
  std::unordered_map<std::uint64_t, std::size_t> connections_;
};

}  // namespace hydrapool
