#include "loadgen/engine/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "loadgen/engine/source_addresses.h"
#include "pool/http/text.h"
#include "pool/sys/socket.h"

namespace hydrapool::loadgen {
namespace {

/// One of the addresses to come from is of its family.
bool IsOfSource(const std::vector<std::string>& sources, const Address& to) {
  return std::ranges::any_of(sources, [&](const std::string& text) {
    const auto from = ParseAddress(text);
    return from && from->storage.ss_family == to.storage.ss_family;
  });
}

}  // namespace

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

std::optional<Resolved> ParseResolved(std::string_view text) {
  const auto take = [&text](char end) {
    const bool bracket = text.starts_with('[');
    const auto stop = bracket ? text.find(']') : text.find(end);
    const auto taken = text.substr(bracket ? 1 : 0, stop == text.npos ? stop : stop - (bracket ? 1 : 0));
    text.remove_prefix(std::min(stop == text.npos ? text.size() : stop + (bracket ? 1 : 0), text.size()));
    if (text.starts_with(end)) text.remove_prefix(1);
    return std::string(taken);
  };
  Resolved resolved{.host = take(':'), .port = take(':'), .addresses = {}};
  while (!text.empty()) resolved.addresses.push_back(take(','));
  const bool port =
      !resolved.port.empty() && resolved.port.find_first_not_of("0123456789") == std::string::npos;
  if (resolved.host.empty() || !port || resolved.addresses.empty()) return std::nullopt;
  for (const auto& address : resolved.addresses) {
    in6_addr bytes{};
    if (::inet_pton(AF_INET, address.c_str(), &bytes) != 1 &&
        ::inet_pton(AF_INET6, address.c_str(), &bytes) != 1)
      return std::nullopt;
  }
  return resolved;
}

Endpoint EndpointFor(const Plan& plan, const std::string& host, const std::string& port) {
  if (!plan.wire.unix_socket.empty()) return UnixEndpoint(plan.wire.unix_socket);
  for (const auto& text : plan.wire.resolve) {
    const auto resolved = ParseResolved(text);
    if (!resolved || resolved->port != port || !http::EqualsIgnoringCase(resolved->host, host)) continue;
    Endpoint endpoint;
    for (const auto& address : resolved->addresses) {
      auto each = ResolveHost(address, port);
      endpoint.addresses.insert(endpoint.addresses.end(), each.addresses.begin(), each.addresses.end());
    }
    return endpoint;
  }
  return ResolveHost(host, port);
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
    const auto endpoint = EndpointFor(plan, host, port);
    if (!endpoint.error.empty()) return endpoint.error;
    if (!plan.wire.bind.empty() && std::ranges::none_of(endpoint.addresses, [&](const Address& address) {
          return IsOfSource(plan.wire.bind, address);
        }))
      return fmt::format("--bind {}: {} has no address of that family", fmt::join(plan.wire.bind, ","), host);
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
