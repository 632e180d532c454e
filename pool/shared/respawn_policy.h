#pragma once

#include <cstdint>

#include "pool/sys/child.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// One end of a worker.
struct Death {
  sys::Nanos at = 0;
  sys::Nanos lived = 0;
  sys::ExitStatus status;
  bool was_ready = false;
};

/// When a slot gets its next worker: at once, unless its workers keep dying young.
///
/// A death counts as young within a second of the start, unless the worker was ready and ended by SIGKILL or
/// in peace: who is killed from outside, told to leave or recycled is not to blame. The first two young
/// deaths in a row cost nothing, then the delay doubles from 10 ms to 5 s. From the fifth on the slot is said
/// to be `failing`: the pool serves with the rest and keeps trying slowly. A life longer than a second clears
/// it. Pure: deaths in, delays out.
class RespawnPolicy {
 public:
  static constexpr sys::Nanos kYoung = sys::kSecond;
  static constexpr sys::Nanos kFirstDelay = 10 * sys::kMillisecond;
  static constexpr sys::Nanos kLongestDelay = 5 * sys::kSecond;

  /// How long to wait before the next start.
  sys::Nanos OnDeath(const Death& death);
  [[nodiscard]] bool failing() const { return young_deaths_ >= 5; }
  [[nodiscard]] std::uint32_t young_deaths() const { return young_deaths_; }

 private:
  std::uint32_t young_deaths_ = 0;
};

}  // namespace hydrapool
