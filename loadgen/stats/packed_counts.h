#pragma once

#include <string>
#include <string_view>

#include "loadgen/stats/latency_histogram.h"

/// The counts of a histogram as HdrHistogram's V2 encoding writes them: each as a ZigZag LEB128 number of at
/// most nine bytes, and a run of n zeros as -n. So a second's histogram takes a few hundred bytes instead of
/// 184 KB. (HdrHistogram, AbstractHistogram.encodeIntoByteBuffer; ZigZagEncoding.) Pure.
namespace hydrapool::loadgen {

[[nodiscard]] std::string PackCounts(const LatencyHistogram& histogram);

/// Adds packed counts to a histogram (as AddAt does). False, with the histogram in between, where they are
/// none: cut off, or more than a histogram has.
[[nodiscard]] bool UnpackCounts(std::string_view packed, LatencyHistogram& into);

/// A whole histogram, packed.
class PackedHistogram {
 public:
  PackedHistogram() = default;
  explicit PackedHistogram(const LatencyHistogram& histogram);

  void AddTo(LatencyHistogram& into) const;
  [[nodiscard]] LatencyHistogram Unpack() const;
  void Merge(const PackedHistogram& other);

  [[nodiscard]] bool operator==(const PackedHistogram& other) const = default;

 private:
  std::string counts_;
  std::uint64_t sum_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace hydrapool::loadgen
