#include "pool/sys/cpu_time.h"

#include <time.h>

namespace hydrapool::sys {

Nanos CpuTime(pid_t pid) {
  clockid_t clock{};
  timespec used{};
  if (pid <= 0 || ::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0;
  return used.tv_sec * kSecond + used.tv_nsec;
}

}  // namespace hydrapool::sys
