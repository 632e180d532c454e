#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "loadgen/stats/latency_histogram.h"
#include "loadgen/stats/outcome.h"
#include "loadgen/stats/packed_counts.h"
#include "loadgen/stats/phases.h"

namespace hydrapool::loadgen {

struct TargetInterval;

/// What became of the requests of one kind: those to one of the plan's URLs.
///
///   sent = ok + errors + in flight at the end
struct TargetCounts {
  std::uint64_t sent = 0;
  std::uint64_t completed = 0;
  std::uint64_t ok = 0;
  std::map<Outcome, std::uint64_t> errors = {};  ///< What ended and was not ok.
  LatencyHistogram response = {};                ///< Of all; of the first TargetList::kMostTimed only.
  LatencyHistogram not_ok_response = {};         ///< The part of it that was not ok.
  std::array<PhaseSum, kPhases> phases = {};     ///< As Tally::phases.

  [[nodiscard]] std::uint64_t ended() const;
  void Merge(const TargetCounts& other);
  void Merge(const TargetInterval& gained);
};

/// The same of one interval of a run.
struct TargetInterval {
  std::uint64_t sent = 0;
  std::uint64_t completed = 0;
  std::uint64_t ok = 0;
  std::map<Outcome, std::uint64_t> errors = {};
  PackedHistogram response = {};
  PackedHistogram not_ok_response = {};
  std::array<PhaseSum, kPhases> phases = {};  ///< Without `max`.

  [[nodiscard]] std::uint64_t ended() const;
  void Merge(const TargetInterval& other);
  [[nodiscard]] bool operator==(const TargetInterval& other) const = default;
};

/// The counts of all URLs, by their number in the plan. A value that merges; memory is constant for each URL,
/// and the first kMostTimed have histograms. Not for several threads.
class TargetList {
 public:
  static constexpr std::size_t kMostTimed = 32;

  void Sent(std::size_t url) { ++At(url).sent; }
  void Finished(std::size_t url, Outcome outcome, std::int64_t response_us);
  void InFlight(std::size_t url, std::int64_t response_us);
  void Took(std::size_t url, std::size_t phase, std::int64_t micros) { At(url).phases[phase].Record(micros); }
  void Merge(const TargetList& other);
  /// What was counted of URL number i counts for number `to[i]`; there is one for each.
  void Renumber(std::span<const std::size_t> to);

  /// Zeros where it was never sent.
  [[nodiscard]] const TargetCounts& of(std::size_t url) const;
  /// For those who read a report back.
  TargetCounts& At(std::size_t url);
  /// How many URLs it has heard of.
  [[nodiscard]] std::size_t size() const { return targets_.size(); }

 private:
  std::vector<TargetCounts> targets_;
};

/// Cuts the counts into intervals (interval_series.h): what each of the first kMostTimed has gained since the
/// last call, and behind these, where there are more, all others together, without latencies. Nothing where
/// there is only one URL: the whole run is then its own.
class TargetCutter {
 public:
  /// Where the others are.
  static constexpr std::size_t kOthers = TargetList::kMostTimed;
  [[nodiscard]] std::vector<TargetInterval> Cut(const TargetList& targets);

 private:
  std::vector<TargetCounts> before_;
};

/// Adds up intervals of the same targets.
void MergeTargets(const std::vector<TargetInterval>& from, std::vector<TargetInterval>& into);

}  // namespace hydrapool::loadgen
