#include "loadgen/engine/source_addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

std::optional<Address> ParseAddress(const std::string& text) {
  Address address;
  sockaddr_in v4{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  sockaddr_in6 v6{
      .sin6_family = AF_INET6, .sin6_port = 0, .sin6_flowinfo = 0, .sin6_addr = {}, .sin6_scope_id = 0};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
  } else {
    return std::nullopt;
  }
  return address;
}

SourceAddresses::SourceAddresses(const std::vector<std::string>& addresses) {
  for (const auto& text : addresses) {
    if (const auto address = ParseAddress(text)) addresses_.push_back(*address);
  }
}

int SourceAddresses::Bind(int fd, int family) {
  for (std::size_t tried = 0; tried < addresses_.size(); ++tried) {
    const auto& address = addresses_[next_++ % addresses_.size()];
    if (address.storage.ss_family != family) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return ::bind(fd, address.get(), address.size) == 0 ? 0 : errno;
  }
  return addresses_.empty() || family == AF_UNIX ? 0 : EAFNOSUPPORT;
}

std::optional<std::string> UnusableSource(const std::vector<std::string>& addresses) {
  for (const auto& text : addresses) {
    const auto address = ParseAddress(text);
    if (!address) return "--bind '" + text + "' is not an IP address";
    const sys::UniqueFd fd(::socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd || ::bind(fd.get(), address->get(), address->size) != 0)
      return "--bind " + text + ": " + std::generic_category().message(errno);
  }
  return std::nullopt;
}

}  // namespace hydrapool::loadgen
