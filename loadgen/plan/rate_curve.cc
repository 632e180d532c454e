#include "loadgen/plan/rate_curve.h"

#include <algorithm>
#include <cmath>

namespace hydrapool::loadgen {

RateCurve RateCurve::Constant(sys::Nanos start, double rate) {
  RateCurve curve;
  curve.pieces_ = {
      {.start = start, .from = 0, .to = std::numeric_limits<double>::infinity(), .rate = rate, .slope = 0}};
  return curve;
}

RateCurve RateCurve::Staged(sys::Nanos start, std::span<const Stage> stages) {
  RateCurve curve;
  double rate = 0;
  double reached = 0;
  for (const auto& stage : stages) {
    const double seconds = sys::ToSeconds(stage.duration);
    if (stage.duration > 0) {
      const double to = reached + (rate + stage.rate) / 2 * seconds;
      curve.pieces_.push_back(
          {.start = start, .from = reached, .to = to, .rate = rate, .slope = (stage.rate - rate) / seconds});
      reached = to;
    }
    start += stage.duration;
    rate = stage.rate;
  }
  return curve;
}

sys::Nanos RateCurve::Due(double k) const {
  const auto piece = std::ranges::upper_bound(pieces_, k, {}, &Piece::to);
  if (piece == pieces_.end()) return kNever;
  const double n = std::max(k - piece->from, 0.0);
  const double root = std::sqrt(std::max(piece->rate * piece->rate + 2 * piece->slope * n, 0.0));
  const double nanos = piece->slope == 0 ? n * 1e9 / piece->rate
                       : n == 0          ? 0
                                         : 2 * n * 1e9 / (piece->rate + root);
  return piece->start + std::llround(nanos);
}

double RateCurve::By(sys::Nanos t) const {
  const auto next = std::ranges::upper_bound(pieces_, t, {}, &Piece::start);
  if (next == pieces_.begin()) return 0;
  const auto& piece = *(next - 1);
  const double seconds = static_cast<double>(t - piece.start) / 1e9;
  return std::min(piece.to, piece.from + (piece.rate + piece.slope * seconds / 2) * seconds);
}

std::uint64_t RateCurve::DueBefore(sys::Nanos t) const {
  if (t <= pieces_.front().start) return 0;
  auto k = static_cast<std::uint64_t>(std::max(By(t), 0.0));
  while (k > 0 && Due(static_cast<double>(k - 1)) >= t) --k;
  while (Due(static_cast<double>(k)) < t) ++k;
  return k;
}

}  // namespace hydrapool::loadgen
