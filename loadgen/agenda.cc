#include "loadgen/agenda.h"

#include <algorithm>
#include <cmath>

#include "loadgen/rotation.h"

namespace loadgen {
namespace {

constexpr double kSigmas = 5;

/// How many of the indices first, first + stride, … are below `total`.
std::uint64_t ShareOf(std::uint64_t total, std::uint64_t first, std::uint64_t stride) {
  return total <= first ? 0 : (total - first + stride - 1) / stride;
}

std::vector<std::size_t> UrlRotation(const Plan& plan) {
  if (!plan.weights.empty()) return Rotation(plan.weights);
  return Rotation(std::vector<unsigned>(std::max<std::size_t>(plan.urls.size(), 1), 1));
}

}  // namespace

Agenda::Agenda(const Plan& plan, int index, sys::Nanos start)
    : first_(static_cast<std::uint64_t>(index)),
      stride_(static_cast<std::uint64_t>(plan.threads)),
      limit_(plan.count ? ShareOf(*plan.count, first_, stride_) : std::numeric_limits<std::uint64_t>::max()),
      start_(start),
      end_(plan.count ? kNever : start + plan.duration) {
  AddStreams(plan);
  planned_end_ = PlannedEnd(plan);
}

void Agenda::AddStreams(const Plan& plan) {
  const auto add = [&](double rate) {
    const auto seed = Mix(Mix(plan.seed, first_), streams_.size());
    streams_.push_back(plan.poisson ? Pace::Poisson(start_, rate / static_cast<double>(stride_), seed)
                                    : Pace::Constant({.start = start_, .rate = rate}, first_, stride_));
  };
  for (const double rate : plan.rates) add(rate);
  if (streams_.empty()) {
    rotation_ = UrlRotation(plan);
    if (plan.rate) add(*plan.rate);
  }
  FindNext();
}

void Agenda::FindNext() {
  const auto first = std::ranges::min_element(streams_, {}, &Pace::due);
  next_ = static_cast<std::size_t>(first - streams_.begin());
}

std::size_t Agenda::next_url() const {
  if (rotation_.empty()) return next_;
  return rotation_[(open_loop() ? GlobalIndex(taken_) : first_ + taken_) % rotation_.size()];
}

std::optional<Arrival> Agenda::Take(sys::Nanos now, sys::Nanos free_since) {
  if (now < start_ || taken_ >= limit_) return std::nullopt;
  const sys::Nanos due = open_loop() ? streams_[next_].due() : std::max(free_since, start_);
  const bool over = open_loop() ? std::max(due, free_since) >= end_ : now >= end_;
  if (due > now || over) return std::nullopt;
  const Arrival next{.turn = GlobalIndex(taken_), .url = next_url(), .due = due};
  ++taken_;
  if (open_loop()) {
    streams_[next_].Advance();
    if (streams_.size() > 1) FindNext();
  }
  return next;
}

sys::Nanos Agenda::NextDue() const {
  if (taken_ >= limit_) return kNever;
  const sys::Nanos due = open_loop() ? streams_[next_].due() : start_;
  return due >= end_ ? kNever : due;
}

sys::Nanos Agenda::PlannedEnd(const Plan& plan) const {
  if (end_ != kNever || !open_loop()) return end_;
  double rate = plan.rate.value_or(0);
  if (!plan.rates.empty()) rate = 0;
  for (const double each : plan.rates) rate += each;
  const auto n = static_cast<double>(limit_ == 0 ? 0 : GlobalIndex(limit_ - 1) + 1);
  const double late = plan.poisson ? kSigmas * std::sqrt(n * static_cast<double>(stride_)) : 0;
  return start_ + static_cast<sys::Nanos>(std::llround((n + late) * 1e9 / rate));
}

void Agenda::Stop(sys::Nanos now) { end_ = std::min(end_, now); }

std::uint64_t Agenda::Scheduled() const {
  if (!open_loop()) return taken_;
  std::uint64_t waiting = 0;
  if (end_ == kNever) return limit_;
  for (const auto& stream : streams_) waiting += stream.CountBefore(end_);
  return std::min(taken_ + waiting, limit_);
}

}  // namespace loadgen
