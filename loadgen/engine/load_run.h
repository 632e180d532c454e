#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/engine/engine.h"
#include "loadgen/engine/host_watch.h"
#include "loadgen/plan/plan.h"
#include "loadgen/stats/interval_series.h"
#include "loadgen/stats/journal.h"
#include "loadgen/stats/kernel_counters.h"
#include "loadgen/stats/self_check.h"
#include "loadgen/stats/tally.h"

namespace hydrapool::loadgen {

/// What a run came to.
struct RunResult {
  Tally tally = {};
  IntervalSeries series = IntervalSeries();  ///< Its intervals add up to the tally.
  std::uint64_t scheduled = 0;  ///< = tally.sent + unsent; by the schedule alone without tally.follow_ups
  std::uint64_t warmed_up = 0;  ///< Sent before `start` and not counted.
  sys::Nanos start = 0;
  std::int64_t start_unix_ms = 0;  ///< The same on the wall clock.
  /// From the start to the planned end or the last request's end, whichever is later.
  sys::Nanos duration = 0;
  /// From the start to the end of the schedule; of a number of requests: until the last one was sent.
  sys::Nanos sending = 0;
  std::uint64_t counted = 0;  ///< The responses that `throughput` counts.
  bool stopped = false;       ///< Ended early, on request.
  sys::Nanos cpu = 0;         ///< Of the whole process, from Start to the end, with the warm-up.
  CpuUse busiest = {};        ///< The thread that was ready to run for the largest share of its time.

  KernelCounters kernel = {};     ///< What this machine did meanwhile.
  std::uint64_t peak_memory = 0;  ///< Bytes that were resident at most, of this process.
  int cores = 0;

  [[nodiscard]] std::uint64_t unsent() const { return scheduled - tally.sent; }
  /// The share of the schedule that left this machine before its planned end; 1 where nothing was
  /// scheduled.
  [[nodiscard]] double achieved() const;
  /// How many that were.
  [[nodiscard]] std::uint64_t sent_in_time() const;
  /// Completed responses for each second of `sending`. Those that came later count in an open loop, where
  /// the schedule says how many are sent; in a closed loop they do not, where a response makes room for the
  /// next request. (A number of requests in a closed loop of which more than a tenth came after the last
  /// one was sent: all of them over the whole duration.) 0 where nothing was sent.
  [[nodiscard]] double throughput() const;
  /// Makes it what both would have been as one run, side by side as the wall clock says; exact.
  void Merge(const RunResult& other);
  /// 0 where nothing was sent.
  [[nodiscard]] double cpu_us_per_request() const;
};

/// What a run has done so far.
struct Progress {
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;  ///< Saturate::kDrop
  std::array<std::uint64_t, kOutcomes> outcomes = {};
  std::map<std::string, std::uint64_t, std::less<>> workers = {};  ///< Completed; up to a second old.

  [[nodiscard]] std::uint64_t of(Outcome outcome) const {
    return outcomes[static_cast<std::size_t>(outcome)];
  }
  [[nodiscard]] std::uint64_t completed() const;
  [[nodiscard]] std::uint64_t ended() const;
  [[nodiscard]] std::uint64_t in_flight() const { return sent > ended() ? sent - ended() : 0; }
};

/// The latencies of a run that is still going on, as far as its threads have told them.
struct LatenciesSoFar {
  LatencyHistogram response = {};
  LatencyHistogram service = {};
  LatencyHistogram lag = {};
  LatencyHistogram not_ok_response = {};  ///< The part of `response` that was not ok.
  LatencyHistogram not_ok_service = {};
  std::vector<TargetCounts> targets = {};  ///< Where there are several URLs, as TargetCutter has them.
};

/// One run: a fixed pool of threads, each with an engine, an agenda and a recorder of its own, merged at the
/// end.
///
///     LoadRun run(plan, CurlEngine::Make);
///     run.Start();
///     ... (run.Stop() at any time, from any thread; run.done_fd() tells an event loop of the end)
///     RunResult result = run.Wait();
///
/// Start returns when the run has begun, or, where the plan says when, is sure to; it throws what an engine's
/// constructor threw (std::system_error), and the constructor std::invalid_argument for a plan that makes no
/// sense. The threads handle no signals. Destroying a LoadRun stops it.
class LoadRun {
 public:
  /// `journal` may be null; it must outlive the run.
  LoadRun(Plan plan, EngineFactory factory, const Journal* journal = nullptr);
  ~LoadRun();
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  void Start();
  void Stop() { stop_.Request(); }
  /// Readable once all threads have ended.
  [[nodiscard]] int done_fd() const { return done_.fd(); }
  /// This, latencies() and series() are for one thread: the one that waits for the end. A thread of the run
  /// tells of a second when something happens to it in a later one, so the last seconds of the latter two may
  /// still grow; each call of progress() brings them up to date.
  [[nodiscard]] Progress progress();
  [[nodiscard]] const LatenciesSoFar& latencies() const { return latencies_; }
  [[nodiscard]] const IntervalSeries& series() const { return series_; }
  /// Waits for the end. Once.
  RunResult Wait();

  /// When what counts begins: in the future while there is a warm-up.
  [[nodiscard]] sys::Nanos start() const { return start_; }
  [[nodiscard]] const Plan& plan() const { return plan_; }

 private:
  class Thread;
  void MakeThreads();
  void Note(const IntervalSeries& told);
  void CountRate(RunResult& result) const;

  Plan plan_;
  EngineFactory factory_;
  const Journal* journal_;
  StopSignal stop_;
  StopSignal done_;
  std::atomic<std::size_t> running_ = 0;
  IntervalSeries series_;
  LatenciesSoFar latencies_;
  sys::Nanos start_ = 0;
  std::int64_t start_unix_ms_ = 0;
  sys::Nanos cpu_before_ = 0;
  KernelCounters kernel_before_;
  std::unique_ptr<const HostWatch> hosts_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace hydrapool::loadgen
