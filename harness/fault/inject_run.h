#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <vector>

#include "harness/fault/fault_schedule.h"
#include "harness/fault/inject_record.h"
#include "harness/fault/injector.h"
#include "harness/fault/targets.h"
#include "pool/sys/error.h"
#include "pool/sys/event_loop.h"

namespace hydrapool::harness {

/// A schedule of faults, carried out by an injector.
///
///     sys::EventLoop loop;
///     Injector injector(pid);
///     InjectRun run(loop, {.schedule = spec}, injector, [&] { return ForksOf(pid).workers; }, write_line);
///     const InjectSummary summary = run.Run();
///
/// waiting → (a fault is due: list, choose, strike) → waiting … → settling (what is still awaited) → over
///
/// Faults come when they are due whether earlier victims are dead or not, so a TERM that drains for long
/// holds nothing up; a worker that is leaving already is no victim again. A fault that comes late because the
/// machine was busy is carried out late, never dropped. Each blow's outcome is reported once, when it is
/// known: at the death, when a signal was taken, when the time of what is held is over, or at the deadline.
/// Ends with the schedule, with the parent's end, when the injector has dealt all its blows, or with Stop().
/// Whatever is still held when this object goes is taken back.
///
/// Not promised: `dead` is when this loop saw the death; listing workers over HTTP delays it by as much as
/// that takes. One thread. Throws std::system_error where epoll or the parent's pidfd fails.
class InjectRun {
 public:
  struct Options {
    ScheduleSpec schedule;
    sys::Nanos dead_within = 5 * sys::kSecond;  ///< After that a victim has survived.
    sys::Nanos hold = sys::kSecond;             ///< How long what is held lasts.
  };
  /// The possible targets of this moment, in a stable order.
  using ListWorkers = std::function<sys::Result<std::vector<WorkerView>>()>;
  using Report = std::function<void(const InjectRecord&)>;

  /// `injector` may be shared with other runs of the same loop.
  InjectRun(sys::EventLoop& loop, const Options& options, Injector& injector, ListWorkers list_workers,
            Report report);
  ~InjectRun();

  /// Returns when it is over. Once.
  InjectSummary Run();

  /// The same for a loop that others share: starts (the schedule's times count from `start`), and the caller
  /// lets the loop run until over(). Once.
  void Start(sys::Nanos start);
  [[nodiscard]] bool over() const { return !next_ && waits_.empty(); }

  /// No more faults, and what is held is taken back now; deaths that are awaited still are. From a callback
  /// of the loop.
  void Stop(std::string why = "interrupted");

 private:
  struct Wait {
    InjectRecord record;
    Blow blow;
    bool seen = false;  ///< Its effect was.
    sys::EventLoop::Watch watch = {};
    sys::EventLoop::Timer deadline = {};
    sys::EventLoop::Timer look = {};  ///< The next one at what it does.
  };

  void ScheduleNext();
  void CarryOut(const PlannedFault& fault);
  void StrikeOne(const PlannedFault& fault, const WorkerView& worker);
  void Await(InjectRecord record, Blow blow);
  void Look(Wait& wait);
  void TimeIsOver(Wait& wait);
  void Settle(Wait& wait, Outcome outcome, bool undone = false);
  void Missed(const PlannedFault& fault, const std::optional<WorkerView>& worker, std::string reason);
  void Finish(InjectRecord record);
  [[nodiscard]] InjectRecord RecordOf(const PlannedFault& fault,
                                      const std::optional<WorkerView>& worker) const;

  sys::EventLoop& loop_;
  Options options_;
  Injector& injector_;
  ListWorkers list_workers_;
  Report report_;
  FaultSchedule schedule_;
  InjectSummary summary_;
  sys::UniqueFd parent_;
  sys::EventLoop::Watch parent_watch_;
  sys::EventLoop::Timer next_;
  std::vector<std::unique_ptr<Wait>> waits_;
  sys::Nanos start_ = 0;
};

}  // namespace hydrapool::harness
