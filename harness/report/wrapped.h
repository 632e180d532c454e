#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hydrapool::harness {

/// `text` with lines of at most `columns`: what is longer goes on in the next, indented as what stands behind
/// the line's label. A word that is longer stays whole. Pure.
///
///       load       http://127.0.0.1:8080/: 500/s, p99
///                  4.05 ms from when due
[[nodiscard]] std::string Wrapped(std::string_view text, std::size_t columns);

}  // namespace hydrapool::harness
