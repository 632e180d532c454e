#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "loadgen/plan/rate_curve.h"
#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

struct Replay;

/// A well-mixed number from two others (splitmix64's finisher): the seed of a stream, a request's random id.
/// Pure.
std::uint64_t Mix(std::uint64_t a, std::uint64_t b);

/// One stream of due times, gone through in order.
///
///     for (auto pace = Pace::Poisson(curve, 1, seed); pace.due() < end; pace.Advance()) …
///
/// Constant: each `stride`-th of a curve's due times, from number `first` on. Poisson: a `stride`-th of the
/// curve's rate, with gaps that are exponentially distributed, all of them from the seed; a sum of Poisson
/// streams is one. Pure; a value.
class Pace {
 public:
  static Pace Constant(RateCurve curve, std::uint64_t first, std::uint64_t stride);
  static Pace Poisson(RateCurve curve, std::uint64_t stride, std::uint64_t seed);

  /// Each `stride`-th of a log's due times, from number `first` on.
  static Pace Listed(std::shared_ptr<const Replay> replay, sys::Nanos start, std::uint64_t first,
                     std::uint64_t stride);

  /// RateCurve::kNever: no more.
  [[nodiscard]] sys::Nanos due() const { return due_; }
  void Advance();
  /// How many due times from this one on are before `t`. Poisson's are counted one by one.
  [[nodiscard]] std::uint64_t CountBefore(sys::Nanos t) const;

 private:
  Pace(RateCurve curve, std::uint64_t stride) : curve_(std::move(curve)), stride_(stride) {}

  RateCurve curve_;
  std::uint64_t stride_;
  [[nodiscard]] sys::Nanos ListedDue() const;

  bool poisson_ = false;
  std::shared_ptr<const Replay> replay_ = {};
  sys::Nanos start_ = 0;  // of the replay
  std::uint64_t index_ = 0;
  std::uint64_t random_ = 0;
  double elapsed_ = 0;  // Poisson: of the curve's integral
  sys::Nanos due_ = 0;
};

}  // namespace hydrapool::loadgen
