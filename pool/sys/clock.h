#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace hydrapool::sys {

/// Nanoseconds of CLOCK_MONOTONIC: one clock for all processes of a machine, so its values may lie in shared
/// memory.
using Nanos = std::int64_t;

inline constexpr Nanos kMicrosecond = 1'000;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000'000'000;

/// Now. Async-signal-safe.
inline Nanos Now() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

inline constexpr Nanos ToNanos(std::chrono::nanoseconds d) { return d.count(); }
inline constexpr double ToSeconds(Nanos n) { return static_cast<double>(n) / 1e9; }

}  // namespace hydrapool::sys
