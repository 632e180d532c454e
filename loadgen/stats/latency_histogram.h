#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hydrapool::loadgen {

/// A histogram of latencies in microseconds: 3 significant digits, from 1 µs to 1 h, in constant memory
/// (184 KB, taken at the first value).
///
///     LatencyHistogram h;
///     h.Record(1234);
///     h.ValueAtPercentile(99.9);
///
/// Its buckets are those of HdrHistogram (lowest 1, highest 3,600,000,000, 3 digits; hdrhistogram.org), so
/// its counts can be exchanged with other implementations (hdr_codec.h). Merging two histograms gives exactly
/// what recording both into one would. `max`, `mean` and `count` are exact; a percentile is at most 0.1 %
/// above the recorded value it stands for. What is longer than an hour is counted in the last bucket, with
/// `max` still exact. No sample is ever made up.
///
/// Not for several threads: each records into its own, and they are merged at the end.
class LatencyHistogram {
 public:
  static constexpr std::int64_t kHighest = 3'600'000'000;
  static constexpr int kHalfBits = 10;  ///< 3 digits need 2048 sub-buckets, of which the upper half is kept.
  static constexpr int kBuckets = 22;   ///< 2048 << 21 is the first power above an hour.
  static constexpr std::size_t kCounts = std::size_t{kBuckets + 1} << kHalfBits;

  /// Negative values count as 0.
  void Record(std::int64_t micros);
  void Merge(const LatencyHistogram& other);
  /// What was recorded since this histogram was `before`. Its `max` is exact where it is this one's too, else
  /// the upper end of its bucket.
  [[nodiscard]] LatencyHistogram Since(const LatencyHistogram& before) const;

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  [[nodiscard]] std::int64_t max() const { return max_; }
  /// 0 where nothing was recorded.
  [[nodiscard]] double mean() const;
  /// The smallest value (as its bucket's upper end, never above `max`) that `percentile` percent of the
  /// recorded values do not exceed. 0 where nothing was recorded.
  [[nodiscard]] std::int64_t ValueAtPercentile(double percentile) const;

  /// By bucket, for those who draw or encode: kCounts of them, from the lowest.
  [[nodiscard]] std::uint64_t CountAt(std::size_t index) const {
    return counts_.empty() ? 0 : counts_[index];
  }
  /// One past the last bucket that has a value; 0 where none has.
  [[nodiscard]] std::size_t end_index() const;
  static std::size_t IndexOf(std::int64_t micros);
  static std::int64_t LowestAt(std::size_t index);
  static std::int64_t HighestAt(std::size_t index);

  /// For those who decode: `n` more in the bucket, each taken for its middle in `mean` and for its upper end
  /// in `max`, until SetExact says better.
  void AddAt(std::size_t index, std::uint64_t n);
  void SetExact(std::uint64_t sum, std::int64_t max) {
    sum_ = sum;
    max_ = max;
  }

  [[nodiscard]] bool operator==(const LatencyHistogram& other) const;

 private:
  std::vector<std::uint64_t> counts_;  // kCounts, or empty where nothing was recorded
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace hydrapool::loadgen
