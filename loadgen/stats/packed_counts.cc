#include "loadgen/stats/packed_counts.h"

#include <algorithm>
#include <optional>

namespace hydrapool::loadgen {
namespace {

constexpr int kMostBytes = 9;

void Put(std::string& out, std::int64_t value) {
  auto bits = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (int i = 1; i < kMostBytes && bits >= 0x80; ++i) {
    out.push_back(static_cast<char>((bits & 0x7F) | 0x80));
    bits >>= 7;
  }
  out.push_back(static_cast<char>(bits));
}

std::optional<std::int64_t> Take(std::string_view& in) {
  std::uint64_t bits = 0;
  for (int i = 0; i < kMostBytes && !in.empty(); ++i) {
    const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(in.front()));
    in.remove_prefix(1);
    const bool last = i + 1 == kMostBytes || byte < 0x80;
    bits |= (i + 1 == kMostBytes ? byte : byte & 0x7F) << (7 * i);
    if (last) return static_cast<std::int64_t>(bits >> 1) ^ -static_cast<std::int64_t>(bits & 1);
  }
  return std::nullopt;
}

}  // namespace

std::string PackCounts(const LatencyHistogram& histogram) {
  std::string out;
  const auto end = histogram.end_index();
  std::int64_t zeros = 0;
  for (std::size_t i = 0; i < end; ++i) {
    const auto n = histogram.CountAt(i);
    if (n == 0) {
      ++zeros;
      continue;
    }
    if (zeros > 0) Put(out, zeros == 1 ? 0 : -zeros);
    zeros = 0;
    Put(out, static_cast<std::int64_t>(n));
  }
  return out;
}

bool UnpackCounts(std::string_view packed, LatencyHistogram& into) {
  std::uint64_t index = 0;
  while (!packed.empty()) {
    const auto n = Take(packed);
    if (!n) return false;
    if (*n <= 0) {
      index += *n == 0 ? 1 : std::uint64_t{0} - static_cast<std::uint64_t>(*n);
      if (index >= LatencyHistogram::kCounts) return false;
      continue;
    }
    if (index >= LatencyHistogram::kCounts) return false;
    into.AddAt(static_cast<std::size_t>(index), static_cast<std::uint64_t>(*n));
    ++index;
  }
  return true;
}

PackedHistogram::PackedHistogram(const LatencyHistogram& histogram)
    : counts_(PackCounts(histogram)), sum_(histogram.sum()), max_(histogram.max()) {}

void PackedHistogram::AddTo(LatencyHistogram& into) const {
  const auto sum = into.sum() + sum_;
  const auto max = std::max(into.max(), max_);
  [[maybe_unused]] const bool whole = UnpackCounts(counts_, into);
  into.SetExact(sum, max);
}

LatencyHistogram PackedHistogram::Unpack() const {
  LatencyHistogram histogram;
  AddTo(histogram);
  return histogram;
}

void PackedHistogram::Merge(const PackedHistogram& other) {
  if (other.counts_.empty()) return;
  auto both = Unpack();
  other.AddTo(both);
  *this = PackedHistogram(both);
}

}  // namespace hydrapool::loadgen
