#include "pool/sys/await.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::sys {

bool Await(int fd, short events, std::chrono::milliseconds timeout) {
  const Nanos deadline = Now() + ToNanos(timeout);
  for (;;) {
    const Nanos left = std::max<Nanos>(deadline - Now(), 0);
    const Nanos millis = std::min<Nanos>((left + kMillisecond - 1) / kMillisecond, INT_MAX);
    pollfd waited{fd, events, 0};
    const int ready = ::poll(&waited, 1, static_cast<int>(millis));
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) ThrowErrno(errno, "poll");
    if (left == 0) return false;
  }
}

}  // namespace hydrapool::sys
