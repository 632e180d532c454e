#include "loadgen/engine/endpoint.h"

#include <netdb.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "pool/sys/socket.h"

namespace hydrapool::loadgen {

Endpoint ResolveHost(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  Endpoint endpoint;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    endpoint.error = "cannot resolve " + host + ": " + ::gai_strerror(error);
    return endpoint;
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, &::freeaddrinfo);
  for (const auto* info = found; info != nullptr; info = info->ai_next) {
    auto& address = endpoint.addresses.emplace_back();
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    address.size = info->ai_addrlen;
  }
  return endpoint;
}

std::pair<std::string, std::string> HostFor(const Plan& plan, const HttpUrl& url) {
  const auto instead = sys::SplitHostPort(plan.wire.connect_to);
  return instead ? std::pair(instead->host, instead->port) : std::pair(url.host, url.port);
}

std::optional<std::string> UnresolvableHost(const Plan& plan) {
  if (!plan.wire.unix_socket.empty() || !plan.wire.extras.proxy.empty()) return std::nullopt;
  std::set<std::pair<std::string, std::string>> asked;
  for (const auto& target : plan.targets) {
    const auto url = ParseHttpUrl(target.url);
    if (!url) return url.error().message;
    const auto [host, port] = HostFor(plan, *url);
    if (!asked.emplace(host, port).second) continue;
    if (auto endpoint = ResolveHost(host, port); !endpoint.error.empty()) return endpoint.error;
  }
  return std::nullopt;
}

Endpoint UnixEndpoint(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  Endpoint endpoint;
  if (path.size() >= sizeof name.sun_path) {
    endpoint.error = "too long for a UNIX socket's path: " + path;
    return endpoint;
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  auto& address = endpoint.addresses.emplace_back();
  std::memcpy(&address.storage, &name, sizeof name);
  address.size = sizeof name;
  return endpoint;
}

}  // namespace hydrapool::loadgen
