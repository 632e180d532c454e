#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// A level-triggered epoll that knows what it has told the kernel, so that asking for what is already so
/// costs nothing.
///
/// libcurl drops its interest in a socket at the end of each request and takes it up again with the next;
/// `Ignore` leaves the registration in place and only an event that is not wanted removes it. Waits are as
/// fine as the kernel allows (epoll_pwait2, Linux 5.11); on an older kernel they are rounded up to
/// milliseconds, which shows up as lag. Making one takes the timer slack (prctl(2), 50 µs by default) from
/// the calling thread. Not for several threads.
class Poller {
 public:
  Poller();

  /// Wants `events` (EPOLLIN, EPOLLOUT) of `fd` from now on.
  void Want(int fd, std::uint32_t events);
  /// Wants nothing of `fd` for the time being.
  void Ignore(int fd);
  /// `fd` is about to be closed, which ends its registration: its number starts afresh.
  void Forget(int fd);

  /// The wanted events, once some are there or at `deadline` (in the past: at once). Valid until the next
  /// call.
  std::span<const epoll_event> Wait(sys::Nanos now, sys::Nanos deadline);

 private:
  struct State {
    std::uint32_t registered = 0;
    std::uint32_t wanted = 0;
  };
  State& StateOf(int fd);

  sys::UniqueFd epoll_;
  std::vector<State> states_;  // by descriptor
  std::vector<epoll_event> events_;
  bool fine_ = true;
};

}  // namespace hydrapool::loadgen
