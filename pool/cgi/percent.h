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

/// An administrator's path with something in it that would be an escape in a URL ("%20"), or that DecodePath
/// refuses: such paths are given decoded, so it would never match what was meant.
[[nodiscard]] bool HasEscape(std::string_view path);

}  // namespace hydrapool::cgi
