#pragma once

#include "pool/sys/clock.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// When a child died, as near as the parent can know without flattering itself.
///
/// SIGCHLD's handler stamps the time (sys::SignalEvents), but it runs only once the parent has a CPU: on a
/// busy machine the stamp is late by the parent's wait in the run queue, which /proc/self/schedstat counts
/// (Documentation/scheduler/ sched-stats.rst). That wait, since the last sample before the parent went to
/// sleep, is subtracted.
class ReapClock {
 public:
  /// Before the parent sleeps; reads the kernel's count at most once a millisecond.
  void BeforeSleep(sys::Nanos now);
  /// The death that SIGCHLD's stamp tells of; `now` if there is none. Never before the last sleep began.
  sys::Nanos DeathTime(sys::Nanos now);

 private:
  [[nodiscard]] sys::Nanos RunQueueWait() const;
  sys::UniqueFd schedstat_;
  bool opened_ = false;
  sys::Nanos sampled_at_ = 0;
  sys::Nanos sampled_wait_ = 0;
};

}  // namespace hydrapool
