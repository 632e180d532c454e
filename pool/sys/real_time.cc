#include "pool/sys/real_time.h"

#include <time.h>

namespace hydrapool::sys {

Nanos RealTime() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

}  // namespace hydrapool::sys
