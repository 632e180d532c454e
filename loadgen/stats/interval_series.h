#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "loadgen/stats/outcome.h"
#include "loadgen/stats/packed_counts.h"
#include "loadgen/stats/tally.h"
#include "loadgen/stats/target_counts.h"
#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// What was sent, and what ended, in one interval of a run.
struct Interval {
  std::uint64_t sent = 0;
  std::array<std::uint64_t, kOutcomes> outcomes = {};
  PackedHistogram response = {};  ///< Of what ended in it; in the last one also what was in flight then.
  PackedHistogram service = {};
  PackedHistogram lag = {};              ///< Of what was sent in it.
  PackedHistogram not_ok_response = {};  ///< Of `response`: what was not ok.
  PackedHistogram not_ok_service = {};

  std::vector<TargetInterval> targets = {};  ///< By URL, where there are several, as TargetCutter has them.

  [[nodiscard]] std::uint64_t ok() const { return outcomes[static_cast<std::size_t>(Outcome::kOk)]; }
  [[nodiscard]] std::uint64_t ended() const;
  [[nodiscard]] std::uint64_t completed() const;
  void Merge(const Interval& other);

  [[nodiscard]] bool operator==(const Interval& other) const = default;
};

/// A run's course, second by second: at most kMost intervals (about 5 KB each), however long the run is.
/// Where more would be needed, each two neighbours become one and the width doubles: 20 minutes by the
/// second, 40 by two seconds, and so on.
///
///     IntervalSeries series;
///     series.Add(2 * sys::kSecond, interval);       // belongs to what began 2 s after the start
///     for (const auto& [begin, interval] : series.intervals()) …   // those in which something happened
///
/// The sum of its intervals is the whole run, exactly. A value that merges: two series of one start give what
/// both would have been together, at the coarser width.
class IntervalSeries {
 public:
  static constexpr std::size_t kMost = 1200;

  explicit IntervalSeries(sys::Nanos width = sys::kSecond) : width_(width) {}

  /// `at` counts from the start of the run; what is before it counts as at 0.
  void Add(sys::Nanos at, const Interval& interval);
  /// `shift`: how much later than this series the other one began.
  void Merge(const IntervalSeries& other, sys::Nanos shift = 0);
  /// Hands out what it has, and goes on empty at the same width.
  [[nodiscard]] IntervalSeries Take();

  /// As TargetList::Renumber. One that is behind the first kMostTimed then is one of the others; what was one
  /// of them stays so.
  void RenumberTargets(std::span<const std::size_t> to);

  [[nodiscard]] sys::Nanos width() const { return width_; }
  /// By when they began, since the start of the run.
  [[nodiscard]] const std::map<sys::Nanos, Interval>& intervals() const { return intervals_; }
  [[nodiscard]] bool empty() const { return intervals_.empty(); }

 private:
  void Widen();

  sys::Nanos width_;
  std::map<sys::Nanos, Interval> intervals_;
};

/// Cuts one thread's tally into seconds: it is called at each event, and costs one comparison but when a
/// second is over. Then it takes the difference to what the tally was before, so that no request is recorded
/// twice.
class IntervalCutter {
 public:
  explicit IntervalCutter(sys::Nanos start) : start_(start), next_(start + sys::kSecond) {}

  /// Whether an event at `now` is the first of a new second: then Cut before it is recorded.
  [[nodiscard]] bool Due(sys::Nanos now) const { return now >= next_; }
  /// Adds what the tally has gained to the second that was under way.
  void Cut(const Tally& tally, sys::Nanos now, IntervalSeries& into);

 private:
  struct Mark {
    std::uint64_t sent = 0;
    std::array<std::uint64_t, kOutcomes> outcomes = {};
    LatencyHistogram response = {};
    LatencyHistogram service = {};
    LatencyHistogram lag = {};
    LatencyHistogram not_ok_response = {};
    LatencyHistogram not_ok_service = {};
  };

  sys::Nanos start_;
  sys::Nanos next_;
  Mark before_;
  TargetCutter targets_;
};

}  // namespace hydrapool::loadgen
