#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// How many requests are due by when: a rate, integrated over time, and the inverse of that.
///
/// Request k is due when the integral reaches k, so due times come from the index alone: neither a slow
/// response nor a late wake-up moves any of them. At a constant rate R that is start + k/R. While the rate is
/// 0 nothing is due, and what would be due in that very moment is due when the rate rises again.
///
/// Pure; a value.
class RateCurve {
 public:
  static constexpr sys::Nanos kNever = std::numeric_limits<sys::Nanos>::max();

  static RateCurve Constant(sys::Nanos start, double rate);
  /// From 0 at `start`, each stage going in a straight line from the rate before it to its own.
  static RateCurve Staged(sys::Nanos start, std::span<const Stage> stages);

  /// When request `k` is due (a real number: Poisson arrivals lie between the integers); kNever behind the
  /// last stage.
  [[nodiscard]] sys::Nanos Due(double k) const;
  /// How many of the requests 0, 1, 2, … are due before `t`.
  [[nodiscard]] std::uint64_t DueBefore(sys::Nanos t) const;
  /// The integral over all stages; infinite for a constant rate.
  [[nodiscard]] double Total() const { return pieces_.back().to; }

 private:
  struct Piece {
    sys::Nanos start;
    double from;   // the integral at its start
    double to;     // at its end
    double rate;   // at its start, a second
    double slope;  // of the rate, a second
  };

  [[nodiscard]] double By(sys::Nanos t) const;

  std::vector<Piece> pieces_;
};

}  // namespace hydrapool::loadgen
