#include "loadgen/plan/agenda.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "loadgen/plan/replay.h"
#include "loadgen/plan/rotation.h"
#include "loadgen/plan/scenario.h"

namespace hydrapool::loadgen {
namespace {

constexpr double kSigmas = 5;

/// How many of the indices first, first + stride, … are below `total`.
std::uint64_t ShareOf(std::uint64_t total, std::uint64_t first, std::uint64_t stride) {
  return total <= first ? 0 : (total - first + stride - 1) / stride;
}

std::vector<std::size_t> UrlRotation(const Plan& plan) {
  std::vector<unsigned> weights;
  if (plan.scenario) {
    for (const auto& session : plan.scenario->sessions) weights.push_back(session.weight);
    return Rotation(weights);
  }
  for (const auto& target : plan.targets) weights.push_back(target.weight);
  return Rotation(weights);
}

}  // namespace

Agenda::Agenda(const Plan& plan, int index, sys::Nanos start)
    : first_(static_cast<std::uint64_t>(plan.replica.index + plan.replica.of * index)),
      stride_(static_cast<std::uint64_t>(plan.replica.of * plan.threads)),
      replay_(plan.arrivals.replay),
      limit_(plan.arrivals.count ? ShareOf(*plan.arrivals.count, first_, stride_)
                                 : std::numeric_limits<std::uint64_t>::max()),
      start_(start),
      counted_from_(start + plan.arrivals.warmup),
      end_(plan.arrivals.count ? kNever : counted_from_ + plan.arrivals.duration) {
  AddStreams(plan);
  planned_end_ = PlannedEnd(plan);
}

void Agenda::AddStreams(const Plan& plan) {
  const auto add = [&](RateCurve curve) {
    const auto seed = Mix(Mix(plan.seed, first_), streams_.size());
    streams_.push_back(plan.arrivals.poisson ? Pace::Poisson(std::move(curve), stride_, seed)
                                             : Pace::Constant(std::move(curve), first_, stride_));
  };
  if (replay_) streams_.push_back(Pace::Listed(replay_, start_, first_, stride_));
  for (const auto& target : plan.targets) {
    if (target.rate) add(RateCurve::Constant(start_, *target.rate));
  }
  if (streams_.empty()) {
    rotation_ = UrlRotation(plan);
    if (!plan.arrivals.stages.empty()) {
      add(RateCurve::Staged(start_, plan.arrivals.stages));
    } else if (plan.arrivals.rate) {
      add(RateCurve::Constant(start_, *plan.arrivals.rate));
    }
  }
  FindNext();
}

void Agenda::FindNext() {
  const auto first = std::ranges::min_element(streams_, {}, &Pace::due);
  next_ = static_cast<std::size_t>(first - streams_.begin());
}

std::size_t Agenda::next_url() const {
  if (replay_) {
    const auto index = GlobalIndex(position_);
    return index < replay_->requests.size() ? replay_->requests[index].target : 0;
  }
  if (rotation_.empty()) return next_;
  return rotation_[(open_loop() ? GlobalIndex(position_) : first_ + position_) % rotation_.size()];
}

std::optional<Arrival> Agenda::Take(sys::Nanos now, sys::Nanos free_since) {
  if (now < start_ || position_ >= limit_) return std::nullopt;
  const sys::Nanos due = open_loop() ? streams_[next_].due() : std::max(free_since, start_);
  const bool over = open_loop() ? std::max(due, free_since) >= end_ : now >= end_;
  if (due > now || over) return std::nullopt;
  const Arrival next{.turn = GlobalIndex(position_), .url = next_url(), .due = due};
  if (due < counted_from_) ++warm_;
  Advance();
  return next;
}

std::uint64_t Agenda::Skip(sys::Nanos now) {
  std::uint64_t counted = 0;
  for (sys::Nanos due = NextDue(); open_loop() && due <= now && due != kNever; due = NextDue()) {
    due < counted_from_ ? ++warm_ : ++counted;
    Advance();
  }
  return counted;
}

void Agenda::Advance() {
  ++position_;
  if (!open_loop()) return;
  streams_[next_].Advance();
  if (streams_.size() > 1) FindNext();
}

sys::Nanos Agenda::NextDue() const {
  if (position_ >= limit_) return kNever;
  const sys::Nanos due = open_loop() ? streams_[next_].due() : start_;
  return due >= end_ ? kNever : due;
}

sys::Nanos Agenda::PlannedEnd(const Plan& plan) const {
  if (end_ != kNever || !open_loop()) return end_;
  double rate = HasRates(plan) ? 0 : plan.arrivals.rate.value_or(0);
  for (const auto& target : plan.targets) rate += target.rate.value_or(0);
  const auto n = static_cast<double>(limit_ == 0 ? 0 : GlobalIndex(limit_ - 1) + 1);
  const double late = plan.arrivals.poisson ? kSigmas * std::sqrt(n * static_cast<double>(stride_)) : 0;
  return start_ + static_cast<sys::Nanos>(std::llround((n + late) * 1e9 / rate));
}

void Agenda::Stop(sys::Nanos now) { end_ = std::min(end_, now); }

std::uint64_t Agenda::Waiting(sys::Nanos before) const {
  std::uint64_t waiting = 0;
  for (const auto& stream : streams_) waiting += stream.CountBefore(before);
  return waiting;
}

std::uint64_t Agenda::Scheduled() const {
  const auto counted = position_ - warm_;
  if (!open_loop()) return counted;
  if (end_ == kNever) return limit_;
  const auto warm = Waiting(std::min(counted_from_, end_));
  return std::min(counted + Waiting(end_) - warm, limit_);
}

}  // namespace hydrapool::loadgen
