#pragma once

#include <string>
#include <string_view>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace harness {

/// "250ms", "1.5s", "20us", "2m", "1h" as nanoseconds. A unit is required and the value must be positive, so
/// that `--every 250` is a question to its user and not a fault every 250 of something.
[[nodiscard]] sys::Result<sys::Nanos> ParseDuration(std::string_view text);

/// The shortest of those spellings for people: "250 ms", "10 s".
[[nodiscard]] std::string DurationText(sys::Nanos nanos);

}  // namespace harness
