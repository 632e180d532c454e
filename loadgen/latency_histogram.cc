#include "loadgen/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace loadgen {
namespace {

constexpr int kHalfBits = 10;  // 3 digits need 2048 sub-buckets, of which the upper half is kept
constexpr std::int64_t kHalf = std::int64_t{1} << kHalfBits;
constexpr int kBuckets = 22;  // 2048 << 21 is the first power above an hour
constexpr std::size_t kCounts = (kBuckets + 1) * kHalf;

int Bucket(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value) | static_cast<std::uint64_t>(2 * kHalf - 1);
  return static_cast<int>(std::bit_width(bits)) - (kHalfBits + 1);
}

std::size_t IndexOf(std::int64_t value) {
  const int bucket = Bucket(value);
  const std::int64_t sub = value >> bucket;
  return static_cast<std::size_t>((std::int64_t{bucket} << kHalfBits) + sub);
}

std::int64_t HighestAt(std::size_t index) {
  auto bucket = static_cast<int>(index >> kHalfBits) - 1;
  std::int64_t sub = static_cast<std::int64_t>(index) % kHalf + kHalf;
  if (bucket < 0) {
    bucket = 0;
    sub -= kHalf;
  }
  return ((sub + 1) << bucket) - 1;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : counts_(kCounts) {}

void LatencyHistogram::Record(std::int64_t micros) {
  const std::int64_t value = std::max<std::int64_t>(micros, 0);
  ++counts_[IndexOf(std::min(value, kHighest))];
  ++count_;
  sum_ += static_cast<std::uint64_t>(value);
  max_ = std::max(max_, value);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kCounts; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

double LatencyHistogram::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::int64_t LatencyHistogram::ValueAtPercentile(double percentile) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(percentile, 0.0, 100.0) / 100.0;
  const double exact =
      share * static_cast<double>(count_) * (1 - 1e-12);  // 99.9 % of 1000 is 999, not 999.0000000000001
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(exact)), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kCounts; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(HighestAt(i), max_);
  }
  return max_;
}

}  // namespace loadgen
