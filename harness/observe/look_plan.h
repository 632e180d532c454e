#pragma once

#include <algorithm>
#include <cstddef>

#include "pool/sys/clock.h"

namespace hydrapool::harness {

/// When to look again at something that changes seldom, and then in many small steps: at short intervals from
/// each stir until a look shows that nothing is to come any more, at long ones else. Pure.
///
///     LookPlan plan({.close = 2 * sys::kMillisecond, .seldom = 50 * sys::kMillisecond});
///     plan.Stir(now);                       // something has happened, or is about to
///     … a look …
///     plan.Note(all_are_there);
///     wait(plan.Pause(sys::Now()));
class LookPlan {
 public:
  struct Pace {
    sys::Nanos close = 0;
    sys::Nanos seldom = 0;
  };
  /// What a stir brings about may begin so much later.
  static constexpr sys::Nanos kAtLeast = 25 * sys::kMillisecond;
  /// What has not come by then is waited for at long intervals.
  static constexpr sys::Nanos kAtMost = 5 * sys::kSecond;

  explicit LookPlan(const Pace& pace) : pace_(pace) {}

  void Stir(sys::Nanos now) {
    stirred_ = now;
    complete_ = false;
  }
  void Note(bool complete) { complete_ = complete; }
  /// All that the stirs until now have brought about has been seen.
  void Settle() { stirred_ -= kAtMost; }
  [[nodiscard]] bool IsClose(sys::Nanos now) const {
    return now - stirred_ < (complete_ ? kAtLeast : kAtMost);
  }
  /// Until the next look.
  [[nodiscard]] sys::Nanos Pause(sys::Nanos now) const { return IsClose(now) ? pace_.close : pace_.seldom; }

 private:
  Pace pace_;
  sys::Nanos stirred_ = -kAtMost;
  bool complete_ = true;
};

/// Processes that have ended, and the newcomers that make up for them: tells when all has come that follows.
/// Pure.
class Aftermath {
 public:
  void Ended(std::size_t count) {
    awaits_ |= count > 0;
    missing_ += count;
  }
  /// A look showed so many newcomers, and whether one that has ended is not reaped yet. True: this was the
  /// last that was awaited.
  [[nodiscard]] bool Looked(std::size_t newcomers, bool any_dead) {
    missing_ -= std::min(missing_, newcomers);
    if (!awaits_ || missing_ > 0 || any_dead) return false;
    awaits_ = false;
    return true;
  }

 private:
  bool awaits_ = false;
  std::size_t missing_ = 0;
};

}  // namespace hydrapool::harness
