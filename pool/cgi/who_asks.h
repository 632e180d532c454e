#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "hydrapool/connection.h"
#include "pool/cgi/environment.h"
#include "pool/http/forwarded.h"
#include "pool/http/ip_address.h"
#include "pool/http/proxy_header.h"
#include "pool/http/refusal.h"
#include "pool/http/request.h"

namespace hydrapool::cgi {

/// Who is believed about who asks.
struct Believed {
  http::TrustedPeers peers{};
  http::ProxyFields fields = http::ProxyFields::kEither;
};

/// Who asks, as a program is told.
struct Asker {
  ClientFacts client;
  std::string host;  ///< as in a Host field; empty: the request's own counts
};

/// The two ends of a connection, or, where a PROXY header was taken from its beginning, those that it tells
/// of; and what the fields of a trusted proxy say of the request. A pure function of the connection, its
/// notes and the request, so that whoever goes on with a request finds the same asker.
///
/// - The port of the server is the one that the client has used: of the PROXY header, X-Forwarded-Port, or
/// where a
///   proxy tells of host or scheme the host's port, else the scheme's usual one.
/// - Who asks through a UNIX socket is on this machine (127.0.0.1), and the port is the one its request
/// names.
///
/// Refused (400): what ReadForwarding refuses.
[[nodiscard]] std::variant<Asker, http::Refusal> WhoAsks(const Connection& connection,
                                                         const http::Request& request,
                                                         const Believed& believed, const std::string& scheme);

/// Which host is asked for, as far as that can be told: the request's, or what a trusted proxy says.
[[nodiscard]] std::string HostOf(const Connection& connection, const http::Request& request,
                                 const Believed& believed);

/// What is at a connection's beginning (Connection::request_begin() == 0): a PROXY header is noted and taken
/// off. The header of a peer that is not believed is refused. nullopt: there is none, a request may be looked
/// at.
[[nodiscard]] std::optional<std::variant<http::NeedMore, std::size_t, http::Refusal>> TakeProxyHeader(
    const Connection& connection, std::string_view peeked, const Believed& believed);

}  // namespace hydrapool::cgi
