#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pool/shared/scoreboard.h"

namespace hydrapool::metrics {

/// What one or several hydrapool::DurationHistograms held when they were read:
///
///     DurationCounts requests;
///     requests.AddRequests(board);
///     requests.Quantile(0.99);  // in seconds
///
/// The total is that of the buckets read, so the two always agree; the sum may be a moment younger. Read
/// again later, no number is smaller.
class DurationCounts {
 public:
  static constexpr std::size_t kBuckets = hydrapool::DurationHistogram::kBounds.size() + 1;

  void Add(const hydrapool::DurationHistogram& histogram);
  /// All requests of a pool, of all parts and classes.
  void AddRequests(const hydrapool::Scoreboard& board);

  /// Of bucket i alone; the last is what exceeds every bound.
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const { return counts_[bucket]; }
  [[nodiscard]] std::uint64_t total() const;
  [[nodiscard]] double sum_seconds() const { return sum_seconds_; }

  /// Seconds that a share q (0 to 1) of the durations did not exceed, by linear interpolation within a bucket
  /// and never above the last bound, as Prometheus' histogram_quantile() has it; nullopt where nothing was
  /// observed. As coarse as the buckets are.
  [[nodiscard]] std::optional<double> Quantile(double q) const;

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  double sum_seconds_ = 0;
};

}  // namespace hydrapool::metrics
