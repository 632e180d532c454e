#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pool/http/ip_address.h"
#include "pool/http/refusal.h"
#include "pool/http/request.h"

namespace hydrapool::http {

/// One proxy's words about the one before it (RFC 7239, section 4). What is not said is empty.
struct ForwardedElement {
  std::string client;  ///< for=
  std::string proto;
  std::string host;
};

/// The elements of a Forwarded field, the nearest proxy's last; repeated fields are joined by commas.
/// nullopt: it is malformed. Parameters of other names are passed over. Pure.
[[nodiscard]] std::optional<std::vector<ForwardedElement>> ParseForwarded(std::string_view value);

/// Which fields of a trusted proxy count. Those that it passes on as they came must not.
enum class ProxyFields : std::uint8_t {
  kEither,      ///< X-Forwarded-*, or Forwarded where there is no X-Forwarded-For
  kXForwarded,  ///< X-Forwarded-For, -Proto, -Host, -Port
  kForwarded,   ///< Forwarded
};

/// What trusted proxies say of a request's client. What they do not say is empty.
struct Forwarding {
  std::optional<Endpoint> client;
  std::string scheme;      ///< "http" or "https"
  std::string host;        ///< as in a Host field
  std::uint16_t port = 0;  ///< that the client has connected to; 0: not said
};

/// What the proxies of a request say, whose nearest one is trusted. Goes from proxy to proxy for as long as
/// they are trusted: the client is the first address that is not, or else the last one told. An address that
/// is hidden or unknown, or malformed in X-Forwarded-For, ends the way before it.
///
/// Refused (400): a malformed Forwarded, in which a client could hide what its proxy adds (RFC 7239,
/// section 8.1). Pure.
[[nodiscard]] std::variant<Forwarding, Refusal> ReadForwarding(const Request& request,
                                                               const TrustedPeers& trusted,
                                                               ProxyFields which);

}  // namespace hydrapool::http
