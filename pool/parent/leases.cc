#include "pool/parent/leases.h"

#include <algorithm>

namespace hydrapool {

void Leases::Survey(VitalSigns& signs) const {
  std::uint32_t executing = 0;
  sys::Nanos oldest = 0;
  for (const std::uint32_t slot : book.OpenSlots()) {
    const Phase phase = table.lease(slot).Load().phase;
    const bool in_hand = PhaseIndex(phase) >= PhaseIndex(Phase::kExecuting);
    const LeaseDetail& detail = table.detail(slot);
    const sys::Nanos begun_at = in_hand ? detail.begun_at.load(std::memory_order_relaxed) : 0;
    if (begun_at == 0) continue;
    ++executing;
    oldest = oldest == 0 ? begun_at : std::min(oldest, begun_at);
  }
  signs.executing = executing;
  signs.oldest_begun_at = oldest;
}

}  // namespace hydrapool
