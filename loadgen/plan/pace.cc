#include "loadgen/plan/pace.h"

#include <cmath>
#include <utility>

#include "loadgen/plan/replay.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

std::uint64_t Finish(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) { return Finish(Finish(a + kGolden) + b * kGolden); }

Pace Pace::Constant(RateCurve curve, std::uint64_t first, std::uint64_t stride) {
  Pace pace(std::move(curve), stride);
  pace.index_ = first;
  pace.due_ = pace.curve_.Due(static_cast<double>(first));
  return pace;
}

Pace Pace::Poisson(RateCurve curve, std::uint64_t stride, std::uint64_t seed) {
  Pace pace(std::move(curve), stride);
  pace.poisson_ = true;
  pace.random_ = seed;
  pace.Advance();
  return pace;
}

Pace Pace::Listed(std::shared_ptr<const Replay> replay, sys::Nanos start, std::uint64_t first,
                  std::uint64_t stride) {
  Pace pace(RateCurve::Constant(start, 1), stride);
  pace.replay_ = std::move(replay);
  pace.start_ = start;
  pace.index_ = first;
  pace.due_ = pace.ListedDue();
  return pace;
}

sys::Nanos Pace::ListedDue() const {
  return index_ < replay_->requests.size() ? start_ + replay_->requests[index_].due : RateCurve::kNever;
}

void Pace::Advance() {
  if (replay_) {
    index_ += stride_;
    due_ = ListedDue();
    return;
  }
  if (!poisson_) {
    index_ += stride_;
    due_ = curve_.Due(static_cast<double>(index_));
    return;
  }
  random_ += kGolden;
  const double uniform = static_cast<double>(Finish(random_) >> 11) * 0x1.0p-53;
  elapsed_ += -std::log1p(-uniform) * static_cast<double>(stride_);
  due_ = curve_.Due(elapsed_);
}

std::uint64_t Pace::CountBefore(sys::Nanos t) const {
  if (!poisson_) {
    const auto due = replay_ ? replay_->DueBefore(t - start_) : curve_.DueBefore(t);
    return due <= index_ ? 0 : (due - index_ + stride_ - 1) / stride_;
  }
  std::uint64_t n = 0;
  for (Pace pace = *this; pace.due_ < t; pace.Advance()) ++n;
  return n;
}

}  // namespace hydrapool::loadgen
