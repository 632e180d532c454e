#pragma once

#include <cstdint>

#include "pool/sys/clock.h"

namespace hydrapool {

/// What the parent knows of a worker's progress.
struct Pulse {
  sys::Nanos beat = 0;           ///< when its loop last came round
  sys::Nanos owing_since = 0;    ///< when it was first given something to do; 0: it has nothing
  sys::Nanos watched_since = 0;  ///< when the parent itself came round again: no silence before counts
};

enum class Vitality : std::uint8_t {
  kWell,
  kLate,     ///< it gets nothing new, and its idle leases go to others
  kStalled,  ///< it is killed, and its leases are rescued
};

/// A worker that has nothing to do comes round once in this all the same: one that is frozen is a lost slot.
inline constexpr sys::Nanos kIdleBeat = sys::kSecond;

/// A worker that holds leases comes round four times a second, whatever its clients do. It is late after
/// this, which also a machine that is short of CPU can bring about: nothing is lost by that.
inline constexpr sys::Nanos kLateAfter = sys::kSecond;

/// `stall_timeout` 0: never stalled.
Vitality Judge(const Pulse& pulse, sys::Nanos now, sys::Nanos stall_timeout);

}  // namespace hydrapool
