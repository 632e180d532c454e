#include "loadgen/stats/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hydrapool::loadgen {
namespace {

constexpr std::int64_t kHalf = std::int64_t{1} << LatencyHistogram::kHalfBits;

int Bucket(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value) | static_cast<std::uint64_t>(2 * kHalf - 1);
  return static_cast<int>(std::bit_width(bits)) - (LatencyHistogram::kHalfBits + 1);
}

struct Place {
  int bucket;
  std::int64_t sub;
};

Place PlaceOf(std::size_t index) {
  const auto bucket = static_cast<int>(index >> LatencyHistogram::kHalfBits) - 1;
  const std::int64_t sub = static_cast<std::int64_t>(index) % kHalf;
  return bucket < 0 ? Place{0, sub} : Place{bucket, sub + kHalf};
}

}  // namespace

std::size_t LatencyHistogram::IndexOf(std::int64_t micros) {
  const int bucket = Bucket(micros);
  return static_cast<std::size_t>((std::int64_t{bucket} << kHalfBits) + (micros >> bucket));
}

std::int64_t LatencyHistogram::LowestAt(std::size_t index) {
  const auto [bucket, sub] = PlaceOf(index);
  return sub << bucket;
}

std::int64_t LatencyHistogram::HighestAt(std::size_t index) {
  const auto [bucket, sub] = PlaceOf(index);
  return ((sub + 1) << bucket) - 1;
}

void LatencyHistogram::Record(std::int64_t micros) {
  const std::int64_t value = std::max<std::int64_t>(micros, 0);
  if (counts_.empty()) counts_.resize(kCounts);
  ++counts_[IndexOf(std::min(value, kHighest))];
  ++count_;
  sum_ += static_cast<std::uint64_t>(value);
  max_ = std::max(max_, value);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  if (other.counts_.empty()) return;
  if (counts_.empty()) counts_.resize(kCounts);
  for (std::size_t i = 0; i < kCounts; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

LatencyHistogram LatencyHistogram::Since(const LatencyHistogram& before) const {
  if (before.counts_.empty()) return *this;
  LatencyHistogram since;
  if (count_ == before.count_) return since;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != before.counts_[i]) since.AddAt(i, counts_[i] - before.counts_[i]);
  }
  since.SetExact(sum_ - before.sum_, max_ > before.max_ ? max_ : std::min(since.max_, max_));
  return since;
}

void LatencyHistogram::AddAt(std::size_t index, std::uint64_t n) {
  if (counts_.empty()) counts_.resize(kCounts);
  counts_[index] += n;
  count_ += n;
  sum_ += n * static_cast<std::uint64_t>((LowestAt(index) + HighestAt(index) + 1) / 2);
  max_ = std::max(max_, HighestAt(index));
}

std::size_t LatencyHistogram::end_index() const {
  std::size_t end = counts_.size();
  while (end > 0 && counts_[end - 1] == 0) --end;
  return end;
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

bool LatencyHistogram::operator==(const LatencyHistogram& other) const {
  return count_ == other.count_ && sum_ == other.sum_ && max_ == other.max_ &&
         (count_ == 0 || counts_ == other.counts_);
}

}  // namespace hydrapool::loadgen
