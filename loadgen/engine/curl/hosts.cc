#include "loadgen/engine/curl/hosts.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace hydrapool::loadgen {
namespace {

/// "127.0.0.1", "[::1]"; empty where it is no address of a host.
std::string TextOf(const Address& address) {
  std::array<char, NI_MAXHOST> text{};
  if (::getnameinfo(address.get(), address.size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
    return {};
  const auto number = std::string(text.data()).substr(0, std::strcspn(text.data(), "%"));
  return address.storage.ss_family == AF_INET6 ? "[" + number + "]" : number;
}

}  // namespace

CurlHosts::CurlHosts(const Plan& plan) : targets_(plan.targets.size()) {
  const auto& wire = plan.wire;
  for (const auto& entry : wire.resolve) Append(resolve_, entry.c_str());
  if (!wire.connect_to.empty()) Append(connect_to_, ("::" + wire.connect_to).c_str());
  if (!wire.unix_socket.empty() || !wire.extras.proxy.empty() || wire.resolve_every > 0) return;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const auto url = ParseHttpUrl(plan.targets[i].url);
    if (!url) continue;
    const auto [name, port] = HostFor(plan, *url);
    auto& endpoint = HostOf(plan, name, port).endpoint;
    if (endpoint.addresses.size() > 1) targets_[i] = &endpoint;
  }
}

CurlHosts::Host& CurlHosts::HostOf(const Plan& plan, const std::string& name, const std::string& port) {
  const auto known =
      std::ranges::find_if(hosts_, [&](const Host& host) { return host.name == name && host.port == port; });
  if (known != hosts_.end()) return *known;
  auto& host = hosts_.emplace_back(Host{name, port, EndpointFor(plan, name, port)});
  if (host.endpoint.addresses.size() > 1) {
    const auto address = TextOf(host.endpoint.addresses.front());
    Append(resolve_, (name + ":" + port + ":" + address).c_str());
  }
  return host;
}

bool CurlHosts::IsMeant(const Endpoint& endpoint, const curl_sockaddr& address) {
  const auto* first = endpoint.addresses.front().get();
  if (first->sa_family != address.addr.sa_family) return false;
  if (first->sa_family == AF_INET6) {
    const auto& a = *reinterpret_cast<const sockaddr_in6*>(first);
    const auto& b = *reinterpret_cast<const sockaddr_in6*>(&address.addr);
    return a.sin6_port == b.sin6_port && IN6_ARE_ADDR_EQUAL(&a.sin6_addr, &b.sin6_addr);
  }
  const auto& a = *reinterpret_cast<const sockaddr_in*>(first);
  const auto& b = *reinterpret_cast<const sockaddr_in*>(&address.addr);
  return a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
}

}  // namespace hydrapool::loadgen
