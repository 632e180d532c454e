#include "pool/cgi/who_asks.h"

#include <algorithm>

#include "pool/sys/socket.h"

namespace hydrapool::cgi {
namespace {

/// What a PROXY header has told, in the connection's notes.
struct ToldNotes {
  bool told = false;
  bool tls = false;
  http::Endpoint client;
  http::Endpoint server;
};

std::optional<http::Endpoint> EndpointOf(const std::string& text) {
  const auto parts = sys::SplitHostPort(text);
  if (!parts) return std::nullopt;
  const auto address = http::IpAddress::Parse(parts->host.substr(0, parts->host.find('%')));
  if (!address) return std::nullopt;
  return http::Endpoint{*address, http::ParsePort(parts->port).value_or(0)};
}

std::optional<http::IpAddress> AddressOf(const std::optional<http::Endpoint>& endpoint) {
  return endpoint ? std::optional(endpoint->address) : std::nullopt;
}

std::uint16_t PortOf(std::string_view host) {
  const auto colon = host.rfind(':');
  if (colon == host.npos || host.find(']', colon) != host.npos) return 0;
  return http::ParsePort(host.substr(colon + 1)).value_or(0);
}

std::uint16_t UsualPort(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

ClientFacts FactsOf(const std::optional<http::Endpoint>& peer, const std::optional<http::Endpoint>& local,
                    const http::Request& request, const std::string& scheme) {
  ClientFacts facts{.remote_address = "127.0.0.1", .server_address = "127.0.0.1", .scheme = scheme};
  if (peer) {
    facts.remote_address = peer->address.ToString();
    facts.remote_port = peer->port;
  }
  if (local) {
    facts.server_address = local->address.ToString();
    facts.server_port = local->port;
  } else {
    const std::uint16_t named = PortOf(request.host);
    facts.server_port = named != 0 ? named : UsualPort(scheme);
  }
  return facts;
}

void Take(const http::Forwarding& told, const http::Request& request, Asker& asker) {
  ClientFacts& client = asker.client;
  if (told.client) {
    client.remote_address = told.client->address.ToString();
    client.remote_port = told.client->port;
  }
  if (!told.scheme.empty()) client.scheme = told.scheme;
  asker.host = told.host;
  if (told.port != 0) {
    client.server_port = told.port;
  } else if (!told.host.empty() || !told.scheme.empty()) {
    const std::uint16_t named = PortOf(told.host.empty() ? request.host : std::string_view(told.host));
    client.server_port = named != 0 ? named : UsualPort(client.scheme);
  }
}

}  // namespace

std::variant<Asker, http::Refusal> WhoAsks(const Connection& connection, const http::Request& request,
                                           const Believed& believed, const std::string& scheme) {
  const std::string here = connection.local();
  const bool local = here.starts_with("unix:");
  auto client = local ? std::nullopt : EndpointOf(connection.peer());
  auto server = local ? std::nullopt : EndpointOf(here);
  const auto& told = connection.connection_notes<ToldNotes>();
  const bool has_header = !believed.peers.empty() && told.told;
  if (has_header) {
    client = told.client;
    server = told.server;
  }
  Asker asker{.client = FactsOf(client, server, request, has_header && told.tls ? "https" : scheme),
              .host = {}};
  if (!client && !local) asker.client.remote_address = connection.peer();
  if (believed.peers.empty() || (!client && !local) || !believed.peers.Trusts(AddressOf(client)))
    return asker;
  const auto forwarding = http::ReadForwarding(request, believed.peers, believed.fields);
  if (const auto* refusal = std::get_if<http::Refusal>(&forwarding)) return *refusal;
  Take(std::get<http::Forwarding>(forwarding), request, asker);
  return asker;
}

std::string HostOf(const Connection& connection, const http::Request& request, const Believed& believed) {
  if (!believed.peers.empty()) {
    const auto asks = WhoAsks(connection, request, believed, "http");
    if (const auto* asker = std::get_if<Asker>(&asks); asker != nullptr && !asker->host.empty())
      return asker->host;
  }
  return std::string(request.host);
}

std::optional<std::variant<http::NeedMore, std::size_t, http::Refusal>> TakeProxyHeader(
    const Connection& connection, std::string_view peeked, const Believed& believed) {
  const auto seen = http::ReadProxyHeader(peeked);
  if (std::holds_alternative<http::NoProxyHeader>(seen)) return std::nullopt;
  if (std::holds_alternative<http::NeedMore>(seen)) return http::NeedMore{};
  const bool local = connection.local().starts_with("unix:");
  const auto peer = local ? std::nullopt : EndpointOf(connection.peer());
  if ((!peer && !local) || !believed.peers.Trusts(AddressOf(peer)))
    return http::Refusal{400, "a PROXY header of a peer that is not trusted"};
  if (const auto* refusal = std::get_if<http::Refusal>(&seen)) return *refusal;
  const auto& header = std::get<http::ProxyHeader>(seen);
  connection.connection_notes<ToldNotes>() = {
      .told = header.tells, .tls = header.tls, .client = header.client, .server = header.server};
  return header.size;
}

}  // namespace hydrapool::cgi
