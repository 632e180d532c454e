#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// A request as an access log has it.
struct LoggedRequest {
  sys::Nanos time = 0;  ///< Since the epoch.
  std::string method = {};
  std::string target = {};  ///< Path and query; in a log of a proxy, a URL.
  int status = 0;           ///< What was answered; 0 where the line does not say.
};

/// Reads a line of an access log: the common or combined format ('… [10/Oct/2025:13:55:36 +0200] "GET /a
/// HTTP/1.1" 200 …'), or a JSON object as nginx (request, or request_method and request_uri; msec,
/// time_iso8601 or time_local) and Caddy (request: {method, uri}; ts) write them. nullopt where it has no
/// request or no time. Pure.
[[nodiscard]] std::optional<LoggedRequest> ParseAccessLine(std::string_view line);

/// Whether a server must do the same for one such request as for many (RFC 9110, 9.2.1): GET, HEAD, OPTIONS,
/// TRACE. Pure.
[[nodiscard]] bool IsSafe(std::string_view method);

}  // namespace hydrapool::loadgen
