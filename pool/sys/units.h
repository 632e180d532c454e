#pragma once

#include <cstdint>
#include <string_view>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

/// How all programs of this project read what people write for times and rates.
namespace hydrapool::sys {

/// "500ms", "10s", "1.5m", "2h", "100us", or several from the larger to the smaller: "1m30s"; a bare number
/// is seconds. Above 0, up to some thirty years. Pure.
[[nodiscard]] Result<Nanos> ParseDuration(std::string_view text);

/// "500", "500/s", "30/m": so many a second. Above 0, up to 10^9. Pure.
[[nodiscard]] Result<double> ParseRate(std::string_view text);

/// "12": a whole number, `least` or more, that 64 bits hold; what else it is, is an Error. Pure.
[[nodiscard]] Result<std::uint64_t> ParseCount(std::string_view text, std::uint64_t least = 0);

}  // namespace hydrapool::sys
