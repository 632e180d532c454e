#include "loadgen/stats/interval_series.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hydrapool::loadgen {

std::uint64_t Interval::ended() const {
  return std::accumulate(outcomes.begin(), outcomes.end(), std::uint64_t{0});
}

std::uint64_t Interval::completed() const {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < kOutcomes; ++i) n += Completed(static_cast<Outcome>(i)) ? outcomes[i] : 0;
  return n;
}

void Interval::Merge(const Interval& other) {
  sent += other.sent;
  for (std::size_t i = 0; i < kOutcomes; ++i) outcomes[i] += other.outcomes[i];
  response.Merge(other.response);
  service.Merge(other.service);
  lag.Merge(other.lag);
  not_ok_response.Merge(other.not_ok_response);
  not_ok_service.Merge(other.not_ok_service);
  MergeTargets(other.targets, targets);
}

void IntervalSeries::Add(sys::Nanos at, const Interval& interval) {
  const auto begin = std::max<sys::Nanos>(at, 0) / width_ * width_;
  if (const auto [found, is_new] = intervals_.try_emplace(begin, interval); !is_new)
    found->second.Merge(interval);
  while (intervals_.rbegin()->first / width_ >= static_cast<sys::Nanos>(kMost)) Widen();
}

void IntervalSeries::Widen() {
  width_ *= 2;
  for (auto& [begin, interval] : std::exchange(intervals_, {})) Add(begin, interval);
}

void IntervalSeries::Merge(const IntervalSeries& other, sys::Nanos shift) {
  while (width_ < other.width_) Widen();
  for (const auto& [begin, interval] : other.intervals_) Add(begin + shift, interval);
}

void IntervalSeries::RenumberTargets(std::span<const std::size_t> to) {
  for (auto& [begin, interval] : intervals_) {
    const auto before = std::exchange(interval.targets, {});
    for (std::size_t i = 0; i < before.size(); ++i) {
      const auto place = i < std::min(TargetCutter::kOthers, to.size())
                             ? std::min(to[i], TargetCutter::kOthers)
                             : TargetCutter::kOthers;
      if (interval.targets.size() <= place) interval.targets.resize(place + 1);
      auto& target = interval.targets[place];
      target.Merge(before[i]);
      if (place == TargetCutter::kOthers) target.response = target.not_ok_response = {};
    }
  }
}

IntervalSeries IntervalSeries::Take() { return std::exchange(*this, IntervalSeries(width_)); }

void IntervalCutter::Cut(const Tally& tally, sys::Nanos now, IntervalSeries& into) {
  Interval gained{
      .sent = tally.sent - before_.sent,
      .response = PackedHistogram(tally.latency.response.Since(before_.response)),
      .service = PackedHistogram(tally.latency.service.Since(before_.service)),
      .lag = PackedHistogram(tally.latency.lag.Since(before_.lag)),
      .not_ok_response = PackedHistogram(tally.parts.not_ok_response.Since(before_.not_ok_response)),
      .not_ok_service = PackedHistogram(tally.parts.not_ok_service.Since(before_.not_ok_service))};
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto n = tally.outcomes.of(static_cast<Outcome>(i));
    gained.outcomes[i] = n - before_.outcomes[i];
    before_.outcomes[i] = n;
  }
  gained.targets = targets_.Cut(tally.targets);
  before_.sent = tally.sent;
  before_.response = tally.latency.response;
  before_.service = tally.latency.service;
  before_.lag = tally.latency.lag;
  before_.not_ok_response = tally.parts.not_ok_response;
  before_.not_ok_service = tally.parts.not_ok_service;
  if (gained != Interval{}) into.Add(next_ - sys::kSecond - start_, gained);
  next_ += std::max<sys::Nanos>((now - next_) / sys::kSecond + 1, 1) * sys::kSecond;
}

}  // namespace hydrapool::loadgen
