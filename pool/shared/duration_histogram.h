#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "pool/shared/counter.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// Counts of durations by upper bound, 10 µs to 10 s, as Prometheus wants them. In shared memory; anyone may
/// add to it.
class DurationHistogram {
 public:
  static constexpr std::array<sys::Nanos, 19> kBounds{
      10'000,      25'000,        50'000,        100'000,       250'000,       500'000,     1'000'000,
      2'500'000,   5'000'000,     10'000'000,    25'000'000,    50'000'000,    100'000'000, 250'000'000,
      500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};
  static constexpr std::size_t kBuckets = kBounds.size() + 1;

  /// The last bucket is of what exceeds every bound.
  static std::size_t BucketOf(sys::Nanos duration) {
    return static_cast<std::size_t>(std::ranges::lower_bound(kBounds, duration) - kBounds.begin());
  }

  void Observe(sys::Nanos duration) {
    duration = std::max<sys::Nanos>(duration, 0);
    counts_[BucketOf(duration)].Add();
    sum_.Add(static_cast<std::uint64_t>(duration));
  }
  /// Of bucket i alone (not cumulative).
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const { return counts_[bucket].value(); }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const Counter& bucket : counts_) sum += bucket.value();
    return sum;
  }
  [[nodiscard]] double sum_seconds() const { return sys::ToSeconds(static_cast<sys::Nanos>(sum_.value())); }

 private:
  std::array<Counter, kBuckets> counts_;
  Counter sum_;
};

}  // namespace hydrapool
