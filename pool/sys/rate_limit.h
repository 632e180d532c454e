#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "pool/sys/clock.h"

namespace hydrapool::sys {

/// Lets `burst` through at once and then one each `each`, and counts the rest.
///
///     if (limit.Take(now)) log::Warn(…);
///     …
///     if (const auto missed = limit.TakeMissed()) log::Warn("and {} more", missed);
///
/// Not for several threads.
class RateLimit {
 public:
  RateLimit(std::uint32_t burst, Nanos each) : burst_(burst), each_(each) {}

  bool Take(Nanos now) {
    Refill(now);
    if (left_ == 0) {
      ++missed_;
      return false;
    }
    --left_;
    return true;
  }
  /// How many were refused since the last call: to be asked now and then, and told of in one line.
  std::uint64_t TakeMissed() { return std::exchange(missed_, 0); }

 private:
  void Refill(Nanos now) {
    if (since_ == 0) since_ = now;
    const Nanos grown = std::min<Nanos>((now - since_) / each_, burst_);
    if (grown <= 0) return;
    left_ = std::min(burst_, left_ + static_cast<std::uint32_t>(grown));
    since_ = now;
  }

  const std::uint32_t burst_;
  const Nanos each_;
  std::uint32_t left_ = burst_;
  std::uint64_t missed_ = 0;
  Nanos since_ = 0;
};

}  // namespace hydrapool::sys
