#pragma once

#include <optional>
#include <string_view>

#include "pool/admin/page.h"
#include "pool/sys/error.h"

namespace hydrapool::admin {

/// Reads a whole HTTP/1 response from the beginning of `bytes`, as strictly as http::ResponseReader does;
/// `ended` says that no more will come.
///
/// nullopt: more is needed. An Error: what came is no response, or ended too early. Pure.
std::optional<sys::Result<Page>> ReadReply(std::string_view bytes, bool ended);

}  // namespace hydrapool::admin
