#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "loadgen/plan/plan.h"
#include "loadgen/stats/interval_series.h"
#include "loadgen/stats/journal.h"
#include "loadgen/stats/tally.h"

namespace hydrapool::loadgen {

/// What another thread may see of a running one, a moment old. Each has a cache line of its own.
struct alignas(64) LiveCounts {
  std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> dropped = 0;
  std::array<std::atomic<std::uint64_t>, kOutcomes> outcomes = {};
};

/// What a running thread tells others at the end of each second in which it did something.
struct Told {
  IntervalSeries series = IntervalSeries();  ///< What has not been taken yet.
  /// Completed requests of each worker since the start.
  std::map<std::string, std::uint64_t, std::less<>> workers = {};
};

/// Where an engine reports each request: when it is sent, and how it ended. Exactly one of Finished and
/// InFlightAtEnd follows each Sent. What was due before `start` is the warm-up and leaves no trace but a
/// number.
///
/// Belongs to one thread, but for `live` and `TakeTold`. `plan` and `journal` must outlive it.
class Recorder {
 public:
  /// What is sent more than 10 ms after `planned_end` is late for the schedule as a whole; so much is
  /// forgiven because one late wake-up at the end of a short run is no failure to keep a rate. `journal` may
  /// be null.
  Recorder(const Plan& plan, sys::Nanos start, sys::Nanos planned_end, const Journal* journal)
      : plan_(plan), start_(start), planned_end_(planned_end), journal_(journal), cutter_(start) {
    tally_.one_target = plan.targets.size() == 1;
  }

  void Sent(const Attempt& attempt);
  void Finished(const Attempt& attempt, const Result& result);
  /// `local_port` is 0 where there was no connection yet.
  void InFlightAtEnd(const Attempt& attempt, sys::Nanos now, int local_port);

  /// Tells what has not been told yet; nothing comes after it.
  void Finish();
  /// What was told, from any thread; its series goes to the caller.
  [[nodiscard]] Told TakeTold();

  /// So many requests were due while all connections were busy; they are dropped where the plan says so.
  void Saturated(std::uint64_t n);

  /// At `now` the thread runs again that had not run for so long, whatever there was to do.
  void StoodStill(sys::Nanos now, sys::Nanos how_long) {
    if (now - how_long >= start_)
      tally_.timing.longest_pause = std::max(tally_.timing.longest_pause, how_long);
  }

  /// A session that was due then began; exactly one of the others follows.
  void SessionBegan(sys::Nanos due) { tally_.sessions.begun += due < start_ ? 0 : 1; }
  void SessionCompleted(sys::Nanos due, sys::Nanos now);
  void SessionFailed(sys::Nanos due) { tally_.sessions.failed += due < start_ ? 0 : 1; }
  void SessionCut(sys::Nanos due) { tally_.sessions.cut += due < start_ ? 0 : 1; }
  /// What the engine's connections came to; once, at the end.
  void Connections(const ConnectionCounts& counts) { tally_.connections.Merge(counts); }

  /// How many were sent in the warm-up.
  [[nodiscard]] std::uint64_t warmed_up() const { return warmed_up_; }
  [[nodiscard]] const Tally& tally() const { return tally_; }
  [[nodiscard]] const LiveCounts& live() const { return live_; }

 private:
  [[nodiscard]] std::string Url(const Attempt& attempt) const;
  void Tell(sys::Nanos now);

  const Plan& plan_;
  sys::Nanos start_;
  sys::Nanos planned_end_;
  const Journal* journal_;
  std::uint64_t warmed_up_ = 0;
  Tally tally_;
  IntervalCutter cutter_;
  std::mutex told_mutex_;
  Told told_;  // guarded by told_mutex_
  LiveCounts live_;
};

}  // namespace hydrapool::loadgen
