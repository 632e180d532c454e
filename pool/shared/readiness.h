#pragma once

#include <cstdint>
#include <string_view>

#include "pool/shared/scoreboard.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// Whether newcomers should be sent to this pool, and if not, why.
enum class Readiness : std::uint8_t {
  kReady,
  kDraining,  ///< it ends, or is about to (VitalSigns::draining)
  kNoWorker,  ///< none is ready whose loop has come round within kFrozenAfter
  kFull,      ///< newcomers have been waiting for a connection's place for kFullAfter
};

/// A worker comes round once a second even if it has nothing to do.
inline constexpr sys::Nanos kFrozenAfter = 3 * sys::kSecond;
inline constexpr sys::Nanos kFullAfter = 5 * sys::kSecond;

/// The first of these that holds, but for kReady in the order above.
[[nodiscard]] Readiness JudgeReadiness(const Scoreboard& board, sys::Nanos now);
/// "ready", "draining", "no live worker", "full".
[[nodiscard]] std::string_view ReadinessName(Readiness readiness);

}  // namespace hydrapool
