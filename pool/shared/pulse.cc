#include "pool/shared/pulse.h"

#include <algorithm>

namespace hydrapool {

Vitality Judge(const Pulse& pulse, sys::Nanos now, sys::Nanos stall_timeout) {
  if (pulse.owing_since == 0) return Vitality::kWell;
  const sys::Nanos silent = now - std::max(pulse.beat, pulse.owing_since);
  if (stall_timeout > 0 && silent >= stall_timeout) return Vitality::kStalled;
  return silent >= kLateAfter ? Vitality::kLate : Vitality::kWell;
}

}  // namespace hydrapool
