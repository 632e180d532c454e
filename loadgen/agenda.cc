#include "loadgen/agenda.h"

#include <algorithm>
#include <cmath>

namespace loadgen {
namespace {

/// How many of the indices first, first + stride, … are below `total`.
std::uint64_t ShareOf(std::uint64_t total, std::uint64_t first, std::uint64_t stride) {
  return total <= first ? 0 : (total - first + stride - 1) / stride;
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

Agenda::Agenda(const Plan& plan, int index, sys::Nanos start)
    : urls_(std::max<std::uint64_t>(plan.urls.size(), 1)),
      first_(static_cast<std::uint64_t>(index)),
      stride_(static_cast<std::uint64_t>(plan.threads)),
      limit_(plan.count ? ShareOf(*plan.count, first_, stride_) : std::numeric_limits<std::uint64_t>::max()),
      start_(start),
      end_(plan.count ? kNever : start + plan.duration) {
  if (plan.rate) pace_ = ConstantRate{.start = start, .rate = *plan.rate};
}

std::optional<Arrival> Agenda::Take(sys::Nanos now, sys::Nanos free_since) {
  if (now < start_ || taken_ >= limit_) return std::nullopt;
  const std::uint64_t turn = NextTurn();
  const Arrival next{
      .turn = turn, .url = UrlOf(taken_), .due = pace_ ? pace_->Due(turn) : std::max(free_since, start_)};
  const bool over = pace_ ? std::max(next.due, free_since) >= end_ : now >= end_;
  if (next.due > now || over) return std::nullopt;
  ++taken_;
  return next;
}

sys::Nanos Agenda::NextDue() const {
  if (taken_ >= limit_) return kNever;
  const sys::Nanos due = pace_ ? pace_->Due(GlobalIndex(taken_)) : start_;
  return due >= end_ ? kNever : due;
}

sys::Nanos Agenda::planned_end() const {
  if (end_ != kNever || !pace_) return end_;
  return limit_ == 0 ? start_ : pace_->Due(GlobalIndex(limit_ - 1) + 1);
}

void Agenda::Stop(sys::Nanos now) { end_ = std::min(end_, now); }

std::uint64_t Agenda::Scheduled() const {
  if (!pace_) return taken_;
  const std::uint64_t due = end_ == kNever ? limit_ : ShareOf(pace_->DueBefore(end_), first_, stride_);
  return std::max(taken_, std::min(due, limit_));
}

}  // namespace loadgen
