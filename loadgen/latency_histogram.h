#pragma once

#include <cstdint>
#include <vector>

namespace loadgen {

/// A histogram of latencies in microseconds: 3 significant digits, from 1 µs to 1 h, in constant memory
/// (184 KB).
///
///     LatencyHistogram h;
///     h.Record(1234);
///     h.ValueAtPercentile(99.9);
///
/// Its buckets are those of HdrHistogram (lowest 1, highest 3,600,000,000, 3 digits; hdrhistogram.org), so
/// its counts can be exchanged with other implementations. Merging two histograms gives exactly what
/// recording both into one would. `max`, `mean` and `count` are exact; a percentile is at most 0.1 % above
/// the recorded value it stands for. What is longer than an hour is counted in the last bucket, with `max`
/// still exact. No sample is ever made up.
///
/// Not for several threads: each records into its own, and they are merged at the end.
class LatencyHistogram {
 public:
  static constexpr std::int64_t kHighest = 3'600'000'000;

  LatencyHistogram();

  /// Negative values count as 0.
  void Record(std::int64_t micros);
  void Merge(const LatencyHistogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::int64_t max() const { return max_; }
  /// 0 where nothing was recorded.
  [[nodiscard]] double mean() const;
  /// The smallest value (as its bucket's upper end, never above `max`) that `percentile` percent of the
  /// recorded values do not exceed. 0 where nothing was recorded.
  [[nodiscard]] std::int64_t ValueAtPercentile(double percentile) const;

  [[nodiscard]] bool operator==(const LatencyHistogram& other) const = default;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace loadgen
