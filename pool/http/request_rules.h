#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/http/refusal.h"
#include "pool/http/request.h"

/// What the fields of a head must say for the request to mean one thing only (RFC 9110, RFC 9112). Pure
/// functions of a head whose bytes are known to be well-formed.
namespace hydrapool::http {

/// "name", "10.0.0.1", "[::1]", each with ":PORT", with ":" or without (RFC 3986, section 3.2). Narrower than
/// that in names: no percent signs and no sub-delims, which no name in use holds and which shells and logs
/// dislike.
bool IsHost(std::string_view text);

/// One number of digits only, less than 2^63. No sign, no list, no blanks.
std::optional<std::uint64_t> ParseContentLength(std::string_view text);

/// Reads method, target, minor_version and fields of `request`; fills in path, query, host, keep_alive,
/// expect_continue and the body's kind and length, and reduces an absolute-form target. nullopt: the request
/// stands. `spare` holds the reduced target in the one case where that is not part of the bytes:
/// "http://host?query" means "/?query".
std::optional<Refusal> Interpret(Request& request, std::string& spare);

}  // namespace hydrapool::http
