#pragma once

#include <algorithm>
#include <cstdint>

#include "pool/sys/child.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// One end of a worker.
struct Death {
  sys::Nanos lived = 0;
  sys::ExitStatus status;
  bool was_ready = false;
};

/// When a seat whose worker died gets its next one: at once, unless its workers keep dying young.
///
/// A death is young where the worker lived less than a second. It does not count where the worker was ready
/// and ended by SIGKILL or with exit code 0: a worker that was killed from outside or told to leave is not to
/// blame. The first two that count cost nothing; from the third on the delay doubles from 10 ms to 5 s.
///
/// SIGKILL before it was ready has a count of its own, which the next ready one clears: it may be the kernel
/// that has no memory for it, but also somebody who kills faster than it can start, and who would keep the
/// pool without workers if each waited. So the first kSpared cost nothing.
///
/// Deaths that do not count cost nothing and clear nothing else; a life of a second or more clears all. No
/// number of deaths makes it give up: the pool serves with the rest and keeps trying. Deaths in, delays out;
/// trivially copyable, so that it can lie in shared memory.
class RespawnPolicy {
 public:
  static constexpr sys::Nanos kYoung = sys::kSecond;
  static constexpr sys::Nanos kFirstDelay = 10 * sys::kMillisecond;
  static constexpr sys::Nanos kLongestDelay = 5 * sys::kSecond;

  static constexpr std::uint32_t kSpared = 8;

  /// How long to wait before the next start.
  sys::Nanos OnDeath(const Death& death);
  /// It takes more than luck to start this one: worth a louder log line.
  [[nodiscard]] bool failing() const { return young_deaths_ >= 5 || killed_early_ >= kSpared + 3; }
  /// The deaths that count, without the early kills.
  [[nodiscard]] std::uint32_t young_deaths() const { return young_deaths_; }
  [[nodiscard]] std::uint32_t in_a_row() const { return std::max(young_deaths_, killed_early_); }

 private:
  std::uint32_t young_deaths_ = 0;
  std::uint32_t killed_early_ = 0;  // before they were ready
};

}  // namespace hydrapool
