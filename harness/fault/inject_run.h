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

/// A schedule of faults, carried out against the children of one parent.
///
///     sys::EventLoop loop;
///     InjectRun run(loop, {.schedule = spec, .parent = pid}, [&] { return ForksOf(pid); }, write_line);
///     const InjectSummary summary = run.Run();
///
/// waiting → (a fault is due: list, choose, strike) → waiting … → settling (deaths that are still awaited) →
/// over
///
/// Faults come when they are due whether earlier victims are dead or not, so a TERM that drains for long
/// holds nothing up. A fault that comes late because the machine was busy is carried out late, never dropped.
/// Each signal's outcome is reported once, when it is known. Ends with the schedule, with the parent's end,
/// or with Stop().
///
/// Not promised: `dead` is when this loop saw the death; listing workers over HTTP delays it by as much as
/// that takes. One thread. Throws std::system_error where epoll or the parent's pidfd fails.
class InjectRun {
 public:
  struct Options {
    ScheduleSpec schedule;
    pid_t parent = 0;
    sys::Nanos dead_within = 5 * sys::kSecond;  ///< After that a victim has survived.
  };
  /// The possible targets of this moment, in a stable order.
  using ListWorkers = std::function<sys::Result<std::vector<WorkerView>>()>;
  using Report = std::function<void(const InjectRecord&)>;

  InjectRun(sys::EventLoop& loop, const Options& options, ListWorkers list_workers, Report report);

  /// Returns when it is over. Once.
  InjectSummary Run();

  /// The same for a loop that others share: starts (the schedule's times count from `start`), and the caller
  /// lets the loop run until over(). Once.
  void Start(sys::Nanos start);
  [[nodiscard]] bool over() const { return !next_ && waits_.empty(); }

  /// No more faults; deaths that are awaited still are. From a callback of the loop.
  void Stop();

 private:
  struct Wait {
    InjectRecord record;
    Blow blow;
    sys::EventLoop::Watch watch;
    sys::EventLoop::Timer deadline;
  };

  void ScheduleNext();
  void CarryOut(const PlannedFault& fault);
  void StrikeOne(const PlannedFault& fault, const WorkerView& worker);
  void Await(InjectRecord record, Blow blow);
  void Settle(Wait& wait, Outcome outcome);
  void Missed(const PlannedFault& fault, const std::optional<WorkerView>& worker, std::string reason);
  void Finish(InjectRecord record);
  [[nodiscard]] InjectRecord RecordOf(const PlannedFault& fault,
                                      const std::optional<WorkerView>& worker) const;

  sys::EventLoop& loop_;
  Options options_;
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
