#include "pool/shared/pulse.h"

#include <algorithm>

namespace hydrapool {

Vitality Judge(const Pulse& pulse, sys::Nanos now, sys::Nanos stall_timeout) {
  const sys::Nanos due =
      pulse.owing_since == 0 ? pulse.beat + kIdleBeat : std::max(pulse.beat, pulse.owing_since);
  const sys::Nanos silent = now - std::max(due, pulse.watched_since);
  if (stall_timeout > 0 && silent >= stall_timeout) return Vitality::kStalled;
  return silent >= kLateAfter ? Vitality::kLate : Vitality::kWell;
}

}  // namespace hydrapool
