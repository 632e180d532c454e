#pragma once

#include <cstddef>

namespace hydrapool::http {

/// How much of a request's head is read before it is refused. The head counts from the first byte, empty
/// lines before the request line included, to the empty line that ends it.
struct Limits {
  std::size_t max_head = 16 * 1024;   ///< past it: 431
  std::size_t max_target = 8 * 1024;  ///< past it: 414
  std::size_t max_fields = 100;       ///< past it: 431
  /// Bytes past 0x7f may stand in a target as they are. Not so in RFC 3986, but browsers' users type them and
  /// curl sends them.
  bool raw_targets = false;
};

/// No implemented method is longer (RFC 9110, section 16.1: the longest registered has 17 bytes). Past it:
/// 501.
inline constexpr std::size_t kMaxMethod = 32;

/// RFC 9112, section 2.2: a server should ignore at least one empty line before a request line.
inline constexpr int kMaxEmptyLines = 2;

}  // namespace hydrapool::http
