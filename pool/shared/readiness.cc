#include "pool/shared/readiness.h"

namespace hydrapool {
namespace {

bool HasLiveWorker(const Scoreboard& board, sys::Nanos now) {
  for (std::size_t i = 0; i < board.workers(); ++i) {
    const WorkerLife& life = board.life_of(i);
    if (life.state.load() == WorkerState::kReady && life.HeartbeatAge(now) < kFrozenAfter) return true;
  }
  return false;
}

}  // namespace

Readiness JudgeReadiness(const Scoreboard& board, sys::Nanos now) {
  const VitalSigns& signs = board.signs();
  if (signs.draining) return Readiness::kDraining;
  if (!HasLiveWorker(board, now)) return Readiness::kNoWorker;
  const sys::Nanos full_since = signs.full_since;
  return full_since != 0 && now - full_since >= kFullAfter ? Readiness::kFull : Readiness::kReady;
}

std::string_view ReadinessName(Readiness readiness) {
  switch (readiness) {
    case Readiness::kReady:
      return "ready";
    case Readiness::kDraining:
      return "draining";
    case Readiness::kNoWorker:
      return "no live worker";
    case Readiness::kFull:
      return "full";
  }
  return "?";
}

}  // namespace hydrapool
