#pragma once

#include <cstddef>
#include <string_view>

namespace hydrapool::sys {

/// How many bytes the text's first character takes in UTF-8 (RFC 3629); 0: it begins with none. The text is
/// not empty.
[[nodiscard]] std::size_t CharacterAt(std::string_view text);

}  // namespace hydrapool::sys
