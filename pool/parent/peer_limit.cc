#include "pool/parent/peer_limit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <utility>

namespace hydrapool {
namespace {

// No prefix of an IPv6 address looks so: these are reserved, or IPv4 in another dress.
constexpr std::uint64_t kIpv4 = std::uint64_t{0xffff} << 32;
constexpr std::uint64_t kNoPrefix = 1;  // ::1 and the like

std::uint64_t PeerAt(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? PeerOf(address) : 0;
}

}  // namespace

std::uint64_t PeerOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET)
    return kIpv4 | ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr);
  if (address.ss_family != AF_INET6) return 0;
  const in6_addr& host = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&host)) {
    std::uint32_t v4 = 0;
    std::memcpy(&v4, host.s6_addr + 12, sizeof v4);
    return kIpv4 | ntohl(v4);
  }
  std::uint64_t prefix = 0;
  for (int i = 0; i < 8; ++i) prefix = prefix << 8 | host.s6_addr[i];
  return prefix == 0 ? kNoPrefix : prefix;
}

bool PeerLimit::Admits(int fd) const {
  if (most_ == 0) return true;
  const auto found = connections_.find(PeerAt(fd));
  return found == connections_.end() || found->second < most_;
}

void PeerLimit::Enter(std::uint32_t slot, int fd) {
  if (most_ == 0) return;
  const std::uint64_t peer = PeerAt(fd);
  peers_[slot] = peer;
  if (peer != 0) ++connections_[peer];
}

void PeerLimit::Leave(std::uint32_t slot) {
  const std::uint64_t peer = std::exchange(peers_[slot], 0);
  const auto found = connections_.find(peer);
  if (peer != 0 && --found->second == 0) connections_.erase(found);
}

}  // namespace hydrapool
