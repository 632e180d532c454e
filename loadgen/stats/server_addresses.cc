#include "loadgen/stats/server_addresses.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace hydrapool::loadgen {
namespace {

/// The text of an IP address, and its port.
template <typename Ip>
std::string HostPort(int family, const Ip& ip, in_port_t port, const char* format) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, &ip, text.data(), text.size());
  return fmt::format(fmt::runtime(format), text.data(), ntohs(port));
}

/// A copy, as the bytes may lie anywhere and be fewer.
template <typename Name>
Name As(const sockaddr* address, socklen_t size) {
  Name name{};
  std::memcpy(&name, address, std::min<std::size_t>(size, sizeof name));
  return name;
}

}  // namespace

std::string AddressText(const sockaddr* address, socklen_t size) {
  switch (address->sa_family) {
    case AF_INET: {
      const auto name = As<sockaddr_in>(address, size);
      return HostPort(AF_INET, name.sin_addr, name.sin_port, "{}:{}");
    }
    case AF_INET6: {
      const auto name = As<sockaddr_in6>(address, size);
      return HostPort(AF_INET6, name.sin6_addr, name.sin6_port, "[{}]:{}");
    }
    case AF_UNIX: {
      const auto name = As<sockaddr_un>(address, size);
      return {name.sun_path, ::strnlen(name.sun_path, sizeof name.sun_path)};
    }
    default:
      return fmt::format("an address of family {}", address->sa_family);
  }
}

std::size_t ServerAddresses::Tried(const sockaddr* address, socklen_t size) {
  auto& row = At(AddressText(address, size));
  ++row.tried;
  return static_cast<std::size_t>(&row - rows_.data());
}

ServerAddresses::Row& ServerAddresses::At(std::string_view address) {
  auto found = std::ranges::find(rows_, address, &Row::address);
  if (found == rows_.end() && rows_.size() >= kMost) found = std::ranges::find(rows_, kOthers, &Row::address);
  if (found != rows_.end()) return *found;
  return rows_.emplace_back(Row{.address = std::string(rows_.size() < kMost ? address : kOthers)});
}

void ServerAddresses::Add(const Row& row) {
  auto& own = At(row.address);
  own.tried += row.tried;
  own.connected += row.connected;
}

void ServerAddresses::Merge(const ServerAddresses& other) {
  for (const auto& row : other.rows_) Add(row);
}

}  // namespace hydrapool::loadgen
