#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hydrapool::loadgen {

/// RFC 4648, section 4, with padding. Pure.
[[nodiscard]] std::string ToBase64(std::string_view bytes);
/// nullopt where it is none.
[[nodiscard]] std::optional<std::string> FromBase64(std::string_view text);

}  // namespace hydrapool::loadgen
