#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "pool/shared/messages.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// Leases that no worker could be given yet, the oldest first.
class WaitingLeases {
 public:
  void Push(const ToWorker& message, sys::Nanos now) { queue_.push_back({message, now}); }
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  [[nodiscard]] std::size_t size() const { return queue_.size(); }
  [[nodiscard]] const ToWorker& front() const { return queue_.front().message; }
  void Pop() { queue_.pop_front(); }
  /// Since when the oldest waits; 0: none does.
  [[nodiscard]] sys::Nanos since() const { return empty() ? 0 : queue_.front().since; }

  /// The slot of the oldest where it has waited since before `then`; it is no longer in the queue.
  std::optional<std::uint32_t> TakeExpired(sys::Nanos then) {
    if (empty() || queue_.front().since >= then) return std::nullopt;
    const std::uint32_t slot = front().slot;
    Pop();
    return slot;
  }

 private:
  struct Waiting {
    ToWorker message;
    sys::Nanos since = 0;
  };
  std::deque<Waiting> queue_;
};

}  // namespace hydrapool
