#pragma once

#include <string_view>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// A moment on the wall clock, in nanoseconds since the epoch: "2026-11-22T15:04:05Z", with a fraction of a
/// second or an offset ("+01:00") if wanted, or the seconds since the epoch. A time without a zone is
/// refused, since the machines that are to start together may differ in theirs. Pure.
sys::Result<sys::Nanos> ParseStartTime(std::string_view text);

/// Now, on that clock.
sys::Nanos WallClock();

}  // namespace hydrapool::loadgen
