#pragma once

#include <optional>
#include <string_view>

#include "pool/admin/page.h"
#include "pool/sys/error.h"

namespace hydrapool::admin {

/// Reads a whole HTTP/1 response (RFC 9112, sections 4, 6 and 7) from the beginning of `bytes`; `ended` says
/// that no more will come. Interim responses (1xx) are skipped. The body is framed by Content-Length, by
/// chunks, or by the end.
///
/// nullopt: more is needed. An Error: what came is no response, or ended too early. Pure.
std::optional<sys::Result<Page>> ReadReply(std::string_view bytes, bool ended);

}  // namespace hydrapool::admin
