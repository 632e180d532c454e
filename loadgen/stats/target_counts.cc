#include "loadgen/stats/target_counts.h"

#include <algorithm>
#include <utility>

namespace hydrapool::loadgen {

namespace {

using Errors = std::map<Outcome, std::uint64_t>;

std::uint64_t Sum(const Errors& errors) {
  std::uint64_t n = 0;
  for (const auto& [outcome, count] : errors) n += count;
  return n;
}

void AddTo(Errors& errors, const Errors& others) {
  for (const auto& [outcome, count] : others) errors[outcome] += count;
}

Errors Since(const Errors& now, const Errors& before) {
  Errors gained;
  for (const auto& [outcome, count] : now) {
    const auto found = before.find(outcome);
    const auto more = count - (found == before.end() ? 0 : found->second);
    if (more > 0) gained[outcome] = more;
  }
  return gained;
}

/// All but the latencies, which are kept in two ways.
template <typename From, typename Into>
void AddCounts(const From& from, Into& into) {
  into.sent += from.sent;
  into.completed += from.completed;
  into.ok += from.ok;
  AddTo(into.errors, from.errors);
  for (std::size_t i = 0; i < kPhases; ++i) into.phases[i].Merge(from.phases[i]);
}

/// Behind the first kMostTimed, together and without their latencies.
TargetCounts OthersOf(const TargetList& targets) {
  TargetCounts others;
  for (std::size_t i = TargetList::kMostTimed; i < targets.size(); ++i) AddCounts(targets.of(i), others);
  return others;
}

}  // namespace

std::uint64_t TargetCounts::ended() const { return ok + Sum(errors); }

std::uint64_t TargetInterval::ended() const { return ok + Sum(errors); }

void TargetCounts::Merge(const TargetCounts& other) {
  AddCounts(other, *this);
  response.Merge(other.response);
  not_ok_response.Merge(other.not_ok_response);
}

void TargetCounts::Merge(const TargetInterval& gained) {
  AddCounts(gained, *this);
  gained.response.AddTo(response);
  gained.not_ok_response.AddTo(not_ok_response);
}

void TargetInterval::Merge(const TargetInterval& other) {
  AddCounts(other, *this);
  response.Merge(other.response);
  not_ok_response.Merge(other.not_ok_response);
}

void TargetList::Finished(std::size_t url, Outcome outcome, std::int64_t response_us) {
  auto& target = At(url);
  if (Completed(outcome)) ++target.completed;
  if (outcome == Outcome::kOk) {
    ++target.ok;
    if (url < kMostTimed) target.response.Record(response_us);
  } else {
    ++target.errors[outcome];
    InFlight(url, response_us);
  }
}

void TargetList::InFlight(std::size_t url, std::int64_t response_us) {
  if (url >= kMostTimed) return;
  At(url).response.Record(response_us);
  At(url).not_ok_response.Record(response_us);
}

void TargetList::Merge(const TargetList& other) {
  for (std::size_t i = 0; i < other.targets_.size(); ++i) At(i).Merge(other.targets_[i]);
}

void TargetList::Renumber(std::span<const std::size_t> to) {
  const auto before = std::exchange(targets_, {});
  for (std::size_t i = 0; i < before.size(); ++i) At(to[i]).Merge(before[i]);
}

const TargetCounts& TargetList::of(std::size_t url) const {
  static const TargetCounts kNone;
  return url < targets_.size() ? targets_[url] : kNone;
}

TargetCounts& TargetList::At(std::size_t url) {
  if (url >= targets_.size()) targets_.resize(url + 1);
  return targets_[url];
}

std::vector<TargetInterval> TargetCutter::Cut(const TargetList& targets) {
  std::vector<TargetInterval> gained;
  if (targets.size() < 2) return gained;
  const auto others = OthersOf(targets);
  before_.resize(std::min(targets.size(), kOthers + 1));
  bool any = false;
  for (std::size_t i = 0; i < before_.size(); ++i) {
    const auto& now = i < kOthers ? targets.of(i) : others;
    auto& before = before_[i];
    gained.push_back({.sent = now.sent - before.sent,
                      .completed = now.completed - before.completed,
                      .ok = now.ok - before.ok,
                      .errors = Since(now.errors, before.errors),
                      .response = PackedHistogram(now.response.Since(before.response)),
                      .not_ok_response = PackedHistogram(now.not_ok_response.Since(before.not_ok_response))});
    for (std::size_t phase = 0; phase < kPhases; ++phase)
      gained.back().phases[phase] = now.phases[phase].Since(before.phases[phase]);
    any = any || gained.back() != TargetInterval{};
    before = now;
  }
  if (!any) gained.clear();
  return gained;
}

void MergeTargets(const std::vector<TargetInterval>& from, std::vector<TargetInterval>& into) {
  if (into.size() < from.size()) into.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) into[i].Merge(from[i]);
}

}  // namespace hydrapool::loadgen
