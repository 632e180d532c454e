#pragma once

#include <chrono>

#include "hydrapool/clock.h"

namespace hydrapool::sys {

using hydrapool::kMicrosecond;
using hydrapool::kMillisecond;
using hydrapool::kSecond;
using hydrapool::Nanos;
using hydrapool::Now;

inline constexpr Nanos ToNanos(std::chrono::nanoseconds d) { return d.count(); }
inline constexpr double ToSeconds(Nanos n) { return static_cast<double>(n) / 1e9; }

}  // namespace hydrapool::sys
