#pragma once

#include <cstdint>

namespace hydrapool {

/// Nanoseconds of CLOCK_MONOTONIC: one clock for all processes of a machine, so its values may lie in shared
/// memory.
using Nanos = std::int64_t;

inline constexpr Nanos kMicrosecond = 1'000;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000'000'000;

/// Now. Async-signal-safe.
Nanos Now();

}  // namespace hydrapool
