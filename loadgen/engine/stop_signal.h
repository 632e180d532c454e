#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// Tells all threads of a run to stop: once, for good. `Request` may be called from any thread. A thread that
/// waits in epoll adds `fd()`, which becomes readable and stays so; it is never read.
class StopSignal {
 public:
  StopSignal() : fd_(sys::Check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

  void Request() {
    requested_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
  }
  [[nodiscard]] bool requested() const { return requested_.load(std::memory_order_acquire); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  sys::UniqueFd fd_;
  std::atomic<bool> requested_ = false;
};

}  // namespace hydrapool::loadgen
