#pragma once

#include <cstdint>
#include <string_view>

#include "pool/sys/error.h"

namespace hydrapool::harness {

/// "500", "64kb", "8mb", "1gb", by 1024. Above 0. Pure.
[[nodiscard]] sys::Result<std::uint64_t> ParseBytes(std::string_view text);

}  // namespace hydrapool::harness
