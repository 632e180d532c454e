#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loadgen/plan/http_url.h"
#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// One address of a server, as connect(2) takes it.
struct Address {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Where a URL's requests go: the addresses of a host, tried one after the other, or none and why.
struct Endpoint {
  std::vector<Address> addresses = {};
  std::string error = {};     ///< Where there is no address: the resolver's words.
  std::size_t preferred = 0;  ///< The address to try first: the one that worked last.
};

/// Asks the system's resolver; may take as long as it does.
Endpoint ResolveHost(const std::string& host, const std::string& port);

/// "HOST:PORT:ADDRESS[,ADDRESS…]" in parts; an IPv6 host or address stands in brackets, as curl has it.
struct Resolved {
  std::string host;
  std::string port;
  std::vector<std::string> addresses;
};
std::optional<Resolved> ParseResolved(std::string_view text);

/// Where requests of the plan to that host and port go: to its UNIX socket, to the addresses that the plan
/// says it has, or to those that the resolver says.
Endpoint EndpointFor(const Plan& plan, const std::string& host, const std::string& port);

/// The host and port to which requests to `url` connect, where it is no UNIX socket: its own, or the plan's
/// connect_to.
std::pair<std::string, std::string> HostFor(const Plan& plan, const HttpUrl& url);

/// Why the host of one of the plan's URLs has no address (to which one of the plan's `bind` leads); nullopt
/// where each has one, or none is asked for because a proxy or a UNIX socket stands before them.
std::optional<std::string> UnresolvableHost(const Plan& plan);

/// The UNIX socket at `path`; no address where the path is too long for one (108 bytes).
Endpoint UnixEndpoint(const std::string& path);

}  // namespace hydrapool::loadgen
