#pragma once

#include <atomic>
#include <cstdint>

namespace hydrapool {

/// A number that only grows; anyone may add to it. In shared memory.
class Counter {
 public:
  void Add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace hydrapool
