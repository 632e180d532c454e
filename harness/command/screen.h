#pragma once

#include <cstddef>
#include <optional>

namespace hydrapool::harness {

/// How wide the terminal of `fd` is, 80 where it does not tell; nullopt: it is none.
[[nodiscard]] std::optional<std::size_t> ColumnsOf(int fd);

}  // namespace hydrapool::harness
