#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// "250ms", "1.5s", "20us", "2m", "1h" as nanoseconds. A unit is required and the value must be positive, so
/// that `--every 250` is a question to its user and not a fault every 250 of something.
[[nodiscard]] sys::Result<sys::Nanos> ParseDuration(std::string_view text);

/// The shortest of those spellings for people: "250 ms", "10 s".
[[nodiscard]] std::string DurationText(sys::Nanos nanos);

/// Whole microseconds, and milliseconds to three places: what reports count in.
[[nodiscard]] inline std::int64_t Micros(sys::Nanos nanos) { return nanos / sys::kMicrosecond; }
[[nodiscard]] inline double Millis(sys::Nanos nanos) { return static_cast<double>(Micros(nanos)) / 1000; }

}  // namespace hydrapool::harness
