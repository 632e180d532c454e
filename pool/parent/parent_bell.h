#pragma once

#include <optional>
#include <utility>

#include "pool/shared/scoreboard.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// What wakes the parent when a worker has something for it: an eventfd, which workers inherit. A worker
/// rings only where a flag of the scoreboard's Doorbell says that the parent sleeps (or wants room).
class ParentBell {
 public:
  /// `fd`: an eventfd that does not block.
  ParentBell(Doorbell& flags, sys::UniqueFd fd) : flags_(flags), fd_(std::move(fd)) {}

  /// Rings end the loop's wait.
  void Watch(sys::EventLoop& loop);
  /// Waits for events on `loop`, but not where `has_news`, asked once the flag is up, says that something
  /// was done before a worker could see that the parent sleeps.
  template <typename HasNews>
  void Sleep(sys::EventLoop& loop, const HasNews& has_news) {
    flags_.parent_sleeps.store(1);
    loop.RunOnce(has_news() ? std::optional<sys::Nanos>(0) : std::nullopt);
    flags_.parent_sleeps.store(0);
    flags_.parent_woke.store(loop.now(), std::memory_order_relaxed);
  }

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// In a new worker: the descriptor is its own from here on.
  [[nodiscard]] sys::UniqueFd Inherit() { return std::move(fd_); }

 private:
  Doorbell& flags_;
  sys::UniqueFd fd_;
  sys::EventLoop::Watch watch_;
};

}  // namespace hydrapool
