#pragma once

#include <cstdint>
#include <string>

#include "pool/sys/clock.h"

namespace hydrapool::harness {

/// For people: "250 ms", "10 s". What people write is read by pool/sys/units.h.
[[nodiscard]] std::string DurationText(sys::Nanos nanos);

/// Whole microseconds, and milliseconds to three places: what reports count in.
[[nodiscard]] inline std::int64_t Micros(sys::Nanos nanos) { return nanos / sys::kMicrosecond; }
[[nodiscard]] inline double Millis(sys::Nanos nanos) { return static_cast<double>(Micros(nanos)) / 1000; }

/// On the wall clock.
[[nodiscard]] std::int64_t UnixMillis();

}  // namespace hydrapool::harness
