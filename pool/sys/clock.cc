#include "hydrapool/clock.h"

#include <time.h>

namespace hydrapool {

Nanos Now() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

}  // namespace hydrapool
