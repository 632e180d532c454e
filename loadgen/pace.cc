#include "loadgen/pace.h"

#include <cmath>

namespace loadgen {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

std::uint64_t Finish(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

sys::Nanos ConstantRate::Due(std::uint64_t k) const {
  return start + static_cast<sys::Nanos>(std::llround(static_cast<double>(k) * 1e9 / rate));
}

std::uint64_t ConstantRate::DueBefore(sys::Nanos t) const {
  if (t <= start) return 0;
  auto k = static_cast<std::uint64_t>(static_cast<double>(t - start) * rate / 1e9);
  while (k > 0 && Due(k - 1) >= t) --k;
  while (Due(k) < t) ++k;
  return k;
}

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) { return Finish(Finish(a + kGolden) + b * kGolden); }

Pace Pace::Constant(const ConstantRate& schedule, std::uint64_t first, std::uint64_t stride) {
  Pace pace;
  pace.schedule_ = schedule;
  pace.index_ = first;
  pace.stride_ = stride;
  pace.due_ = schedule.Due(first);
  return pace;
}

Pace Pace::Poisson(sys::Nanos start, double rate, std::uint64_t seed) {
  Pace pace;
  pace.schedule_ = {.start = start, .rate = rate};
  pace.random_ = seed;
  pace.Advance();
  return pace;
}

void Pace::Advance() {
  if (stride_ > 0) {
    index_ += stride_;
    due_ = schedule_.Due(index_);
    return;
  }
  random_ += kGolden;
  const double uniform = static_cast<double>(Finish(random_) >> 11) * 0x1.0p-53;
  elapsed_ += -std::log1p(-uniform) * 1e9 / schedule_.rate;
  due_ = schedule_.start + static_cast<sys::Nanos>(elapsed_);
}

std::uint64_t Pace::CountBefore(sys::Nanos t) const {
  if (stride_ > 0) {
    const auto due = schedule_.DueBefore(t);
    return due <= index_ ? 0 : (due - index_ + stride_ - 1) / stride_;
  }
  std::uint64_t n = 0;
  for (Pace pace = *this; pace.due_ < t; pace.Advance()) ++n;
  return n;
}

}  // namespace loadgen
