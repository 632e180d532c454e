#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "pool/sys/child.h"

namespace hydrapool {

/// A process of the pool that has ended, of which the supervisor was the parent.
struct Obituary {
  pid_t pid = 0;
  sys::ExitStatus status;
};

/// How the supervisor tells the parent that a child of an earlier parent has died: such a child is the
/// supervisor's to reap. In shared memory: one producer, one consumer.
///
/// An obituary is put in before its process is reaped. So a caller that opens a pidfd by number and then
/// finds no obituary here has opened the right process.
class ObituaryRing {
 public:
  static constexpr std::uint32_t kMost = 4096;

  /// False: it is full; the dead must wait.
  bool Put(const Obituary& obituary) {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load() >= kMost) return false;
    items_[tail % kMost] = obituary;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  /// The oldest one; it stays until Pop, so that a parent that dies over it leaves it to the next.
  [[nodiscard]] std::optional<Obituary> Front() const {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
    return items_[head % kMost];
  }
  void Pop() { head_.fetch_add(1, std::memory_order_release); }
  /// An obituary of this process waits here.
  [[nodiscard]] bool TellsOf(pid_t pid) const {
    const std::uint32_t tail = tail_.load(std::memory_order_acquire);
    for (std::uint32_t i = head_.load(std::memory_order_relaxed); i != tail; ++i) {
      if (items_[i % kMost].pid == pid) return true;
    }
    return false;
  }

 private:
  std::atomic<std::uint32_t> head_{0};
  std::atomic<std::uint32_t> tail_{0};
  std::array<Obituary, kMost> items_{};
};

}  // namespace hydrapool
