#pragma once

#include <cstdint>

#include "pool/sys/clock.h"

namespace loadgen {

/// The due times of an open loop at a constant rate: t_k = start + k/R. They come from the index alone, so
/// neither a slow response nor a late wake-up moves any of them.
struct ConstantRate {
  sys::Nanos start = 0;
  double rate = 1;

  [[nodiscard]] sys::Nanos Due(std::uint64_t k) const;
  /// How many requests are due before `t`: the smallest k with Due(k) >= t.
  [[nodiscard]] std::uint64_t DueBefore(sys::Nanos t) const;
};

/// A well-mixed number from two others (splitmix64's finisher): the seed of a stream, a request's random id.
/// Pure.
std::uint64_t Mix(std::uint64_t a, std::uint64_t b);

/// One stream of due times, gone through in order.
///
///     for (auto pace = Pace::Poisson(start, 500, seed); pace.due() < end; pace.Advance()) …
///
/// Constant: each `stride`-th of a constant rate's due times. Poisson: gaps that are exponentially
/// distributed around 1/rate, all of them from the seed; a sum of Poisson streams is one. Pure; a value.
class Pace {
 public:
  static Pace Constant(const ConstantRate& schedule, std::uint64_t first, std::uint64_t stride);
  static Pace Poisson(sys::Nanos start, double rate, std::uint64_t seed);

  [[nodiscard]] sys::Nanos due() const { return due_; }
  void Advance();
  /// How many due times from this one on are before `t`. Poisson's are counted one by one.
  [[nodiscard]] std::uint64_t CountBefore(sys::Nanos t) const;

 private:
  Pace() = default;

  ConstantRate schedule_;
  std::uint64_t index_ = 0;
  std::uint64_t stride_ = 0;  // 0: Poisson
  std::uint64_t random_ = 0;
  double elapsed_ = 0;
  sys::Nanos due_ = 0;
};

}  // namespace loadgen
