#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hydrapool::cgi {

/// A URL path with its percent escapes decoded, or nullopt for what must not reach a file name: a malformed
/// escape, an escaped '/', and any control character, escaped or not (NUL ends a C string, a newline ends a
/// line of a log). `slashes`: an escaped '/' may stand, and becomes one.
/// '+' stays '+': that is a matter of query strings, which a CGI decodes itself. RFC 3986, section 2.1.
[[nodiscard]] std::optional<std::string> DecodePath(std::string_view encoded, bool slashes = false);

}  // namespace hydrapool::cgi
