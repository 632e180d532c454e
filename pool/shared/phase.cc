#include "pool/shared/phase.h"

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

}  // namespace hydrapool
