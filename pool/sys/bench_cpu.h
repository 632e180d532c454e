#pragma once

#include <sys/types.h>
#include <time.h>

#include "pool/sys/clock.h"

namespace hydrapool::sys {

/// For benches: CPU time of this process and another one together, from the kernel's own clocks.
class CpuOfBoth {
 public:
  explicit CpuOfBoth(pid_t other) { ::clock_getcpuclockid(other, &other_); }
  void Start() { spent_ -= Read(); }
  void Stop() { spent_ += Read(); }
  [[nodiscard]] double seconds() const { return ToSeconds(spent_); }

 private:
  [[nodiscard]] Nanos Read() const {
    Nanos sum = 0;
    for (const clockid_t clock : {CLOCK_PROCESS_CPUTIME_ID, other_}) {
      timespec t{};
      ::clock_gettime(clock, &t);
      sum += t.tv_sec * kSecond + t.tv_nsec;
    }
    return sum;
  }
  clockid_t other_{};
  Nanos spent_ = 0;
};

}  // namespace hydrapool::sys
