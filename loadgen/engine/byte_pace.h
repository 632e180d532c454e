#pragma once

#include <cstdint>

#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// When how much of a message may have passed, at a rate from its first byte on.
///
///     pace.Begin();
///     if (const Nanos wait_until = pace.Pass(bytes, now)) …  // not yet: ask again then
class BytePace {
 public:
  /// In bytes a second; 0: no limit.
  explicit BytePace(std::uint64_t rate) : rate_(rate) {}

  /// The next message.
  void Begin() { *this = BytePace(rate_); }
  /// 0: they pass. Else they would be too early until then.
  sys::Nanos Pass(std::uint64_t bytes, sys::Nanos now) {
    if (rate_ == 0) return 0;
    if (began_ == 0) began_ = now;
    due_ = began_ +
           static_cast<sys::Nanos>(static_cast<double>(passed_ + bytes) * 1e9 / static_cast<double>(rate_));
    if (now < due_) return due_;
    passed_ += bytes;
    due_ = 0;
    return 0;
  }
  /// What Pass has said last.
  [[nodiscard]] sys::Nanos due() const { return due_; }

 private:
  std::uint64_t rate_;
  std::uint64_t passed_ = 0;
  sys::Nanos began_ = 0;
  sys::Nanos due_ = 0;
};

}  // namespace hydrapool::loadgen
