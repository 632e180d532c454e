#include "metrics/duration_counts.h"

#include <numeric>

namespace hydrapool::metrics {

void DurationCounts::Add(const hydrapool::DurationHistogram& histogram) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += histogram.count(i);
  sum_seconds_ += histogram.sum_seconds();
}

void DurationCounts::AddRequests(const hydrapool::Scoreboard& board) {
  for (std::size_t i = 0; i < board.workers(); ++i) {
    for (std::size_t part = 0; part < board.parts().size(); ++part) {
      for (std::size_t c = 0; c < hydrapool::kDurationClasses.size(); ++c)
        Add(board.slot(i).request_seconds.of(part, c));
    }
  }
}

std::uint64_t DurationCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::optional<double> DurationCounts::Quantile(double q) const {
  constexpr auto& kBounds = hydrapool::DurationHistogram::kBounds;
  const double rank = q * static_cast<double>(total());
  if (total() == 0) return std::nullopt;
  double below = 0;
  sys::Nanos lower = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    const double here = static_cast<double>(counts_[i]);
    if (here > 0 && below + here >= rank) {
      const double part = (rank - below) / here;
      return sys::ToSeconds(lower) + part * sys::ToSeconds(kBounds[i] - lower);
    }
    below += here;
    lower = kBounds[i];
  }
  return sys::ToSeconds(kBounds.back());
}

}  // namespace hydrapool::metrics
