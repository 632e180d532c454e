#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/engine.h"
#include "loadgen/journal.h"
#include "loadgen/plan.h"
#include "loadgen/self_check.h"
#include "loadgen/tally.h"

namespace loadgen {

/// What a run came to.
struct RunResult {
  Tally tally = {};
  std::uint64_t scheduled = 0;  ///< = tally.sent + unsent
  sys::Nanos start = 0;
  /// From the start to the planned end or the last request's end, whichever is later.
  sys::Nanos duration = 0;
  bool stopped = false;  ///< Ended early, on request.
  sys::Nanos cpu = 0;    ///< Of the whole process, from Start to the end.
  CpuUse busiest = {};   ///< The thread that was ready to run for the largest share of its time.

  [[nodiscard]] std::uint64_t unsent() const { return scheduled - tally.sent; }
  /// The share of the schedule that was sent before its planned end; 1 where nothing was scheduled.
  [[nodiscard]] double achieved() const;
  /// Completed responses a second.
  [[nodiscard]] double throughput() const;
  /// 0 where nothing was sent.
  [[nodiscard]] double cpu_us_per_request() const;
};

/// What a run has done so far.
struct Progress {
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
};

/// One run: a fixed pool of threads, each with an engine, an agenda and a recorder of its own, merged at the
/// end.
///
///     LoadTest test(plan, CurlEngine::Make);
///     test.Start();
///     ... (test.Stop() at any time, from any thread; test.done_fd() tells an event loop of the end)
///     RunResult result = test.Wait();
///
/// Start returns when the run has begun; it throws what an engine's constructor threw (std::system_error),
/// and the constructor std::invalid_argument for a plan that makes no sense. The threads handle no signals.
/// Destroying a LoadTest stops it.
class LoadTest {
 public:
  /// `journal` may be null; it must outlive the test.
  LoadTest(Plan plan, EngineFactory factory, const Journal* journal = nullptr);
  ~LoadTest();
  LoadTest(const LoadTest&) = delete;
  LoadTest& operator=(const LoadTest&) = delete;

  void Start();
  void Stop() { stop_.Request(); }
  /// Readable once all threads have ended.
  [[nodiscard]] int done_fd() const { return done_.fd(); }
  [[nodiscard]] Progress progress() const;
  /// Waits for the end. Once.
  RunResult Wait();

  [[nodiscard]] const Plan& plan() const { return plan_; }

 private:
  class Thread;
  void MakeThreads();

  Plan plan_;
  EngineFactory factory_;
  const Journal* journal_;
  StopSignal stop_;
  StopSignal done_;
  std::atomic<std::size_t> running_ = 0;
  sys::Nanos start_ = 0;
  sys::Nanos cpu_before_ = 0;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace loadgen
