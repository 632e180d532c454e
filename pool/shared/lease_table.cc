#include "pool/shared/lease_table.h"

#include <sys/mman.h>

namespace hydrapool {

std::size_t PhaseIndex(Phase phase) {
  switch (phase) {
    case Phase::kReading:
      return 1;
    case Phase::kExecuting:
    case Phase::kExecutingOnce:
    case Phase::kFeeding:
      return 2;
    case Phase::kResponding:
      return 3;
    case Phase::kFree:
    case Phase::kIdle:
    case Phase::kClosing:
    case Phase::kClosed:
      break;
  }
  return 0;
}

std::string_view PhaseName(Phase phase) { return kPhaseNames[PhaseIndex(phase)]; }

LeaseTable::LeaseTable(std::size_t capacity)
    : leases_(capacity), details_(capacity), slabs_(capacity * kSlab) {}

std::span<char> LeaseTable::slab(std::size_t slot) const {
  return {reinterpret_cast<char*>(slabs_.data()) + slot * kSlab, kSlab};
}

void LeaseTable::TrimSlab(std::size_t slot) const {
  constexpr std::size_t kPage = 4096;
  ::madvise(slabs_.data() + slot * kSlab + kPage, kSlab - kPage, MADV_REMOVE);
}

}  // namespace hydrapool
