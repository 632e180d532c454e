#pragma once

#include <cstddef>
#include <string_view>
#include <variant>

#include "pool/http/ip_address.h"
#include "pool/http/refusal.h"

namespace hydrapool::http {

/// The header of the PROXY protocol, version 1 (text) or 2 (binary), which a proxy may send before the first
/// byte of its client (haproxy.org, doc/proxy-protocol.txt).
struct ProxyHeader {
  std::size_t size = 0;
  bool tells = false;  ///< who asks; false: the proxy asks for itself, or does not know (UNKNOWN, LOCAL)
  bool tls = false;    ///< the client speaks TLS with the proxy (version 2 alone can say that)
  Endpoint client{};
  Endpoint server{};  ///< that the client has connected to
};

/// The bytes are something else: a request.
struct NoProxyHeader {};

inline constexpr std::size_t kMaxProxyHeader = 16 * 1024;

/// Reads the beginning of a connection. Adding bytes never changes a decision already made but NeedMore.
/// Version 1 has at most 107 bytes, single blanks and CRLF; of version 2, whatever is of another family than
/// IPv4 and IPv6 tells nothing, unknown parts (TLVs) are passed over, a checksum must be right, and more than
/// kMaxProxyHeader is refused. Pure.
[[nodiscard]] std::variant<NeedMore, NoProxyHeader, ProxyHeader, Refusal> ReadProxyHeader(
    std::string_view bytes);

}  // namespace hydrapool::http
