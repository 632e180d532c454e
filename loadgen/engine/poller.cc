#include "loadgen/engine/poller.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "pool/sys/error.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kEvents = 256;
constexpr sys::Nanos kLongest = 3600 * sys::kSecond;

}  // namespace

Poller::Poller() : epoll_(sys::Check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")), events_(kEvents) {
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

Poller::State& Poller::StateOf(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= states_.size()) states_.resize(index + 64);
  return states_[index];
}

void Poller::Want(int fd, std::uint32_t events) {
  auto& state = StateOf(fd);
  state.wanted = events;
  if (state.registered == events) return;
  epoll_event event{.events = events, .data = {.fd = fd}};
  sys::Check(::epoll_ctl(epoll_.get(), state.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event),
             "epoll_ctl");
  state.registered = events;
}

void Poller::Ignore(int fd) { StateOf(fd).wanted = 0; }

void Poller::Forget(int fd) { StateOf(fd) = {}; }

std::span<const epoll_event> Poller::Wait(sys::Nanos now, sys::Nanos deadline) {
  const sys::Nanos wait = std::clamp<sys::Nanos>(deadline - now, 0, kLongest);
  int n = -1;
  if (fine_) {
    const timespec timeout{.tv_sec = wait / sys::kSecond, .tv_nsec = wait % sys::kSecond};
    n = ::epoll_pwait2(epoll_.get(), events_.data(), kEvents, &timeout, nullptr);
    if (n < 0 && errno == ENOSYS) fine_ = false;
  }
  if (!fine_) {
    const auto millis = static_cast<int>((wait + sys::kMillisecond - 1) / sys::kMillisecond);
    n = ::epoll_wait(epoll_.get(), events_.data(), kEvents, millis);
  }
  if (n < 0 && errno != EINTR) sys::ThrowErrno(errno, "epoll_wait");
  auto kept = events_.begin();
  for (auto event = events_.begin(); event < events_.begin() + std::max(n, 0); ++event) {
    auto& state = StateOf(event->data.fd);
    if (state.wanted != 0) {
      *kept++ = *event;
      continue;
    }
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, event->data.fd, nullptr);
    state.registered = 0;
  }
  return {events_.begin(), kept};
}

}  // namespace hydrapool::loadgen
