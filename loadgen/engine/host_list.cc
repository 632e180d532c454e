#include "loadgen/engine/host_list.h"

#include <algorithm>
#include <utility>

#include "loadgen/engine/host_watch.h"

namespace hydrapool::loadgen {

std::size_t HostList::NumberOf(const HttpUrl& url) {
  const auto& path = plan_.wire.unix_socket;
  auto [name, port] = path.empty() ? HostFor(plan_, url) : std::pair(path, std::string());
  const bool tls = url.scheme == "https";
  const auto same = [&](const Host& host) {
    return host.name == name && host.port == port && host.tls == tls && (!tls || host.certified == url.host);
  };
  const auto found = std::ranges::find_if(hosts_, same);
  if (found != hosts_.end()) return static_cast<std::size_t>(found - hosts_.begin());
  auto endpoint = EndpointFor(plan_, name, port);
  hosts_.push_back({std::move(name), std::move(port), tls, url.host, std::move(endpoint)});
  return hosts_.size() - 1;
}

void HostList::TakeNewAddresses() {
  if (plan_.wire.hosts == nullptr) return;
  const auto version = plan_.wire.hosts->version();
  if (std::exchange(version_, version) == version) return;
  for (auto& host : hosts_) {
    auto addresses = plan_.wire.hosts->AddressesOf(host.name, host.port);
    if (!addresses.empty()) host.endpoint = {.addresses = std::move(addresses)};
  }
}

}  // namespace hydrapool::loadgen
