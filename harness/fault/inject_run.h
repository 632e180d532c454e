#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <vector>

#include "harness/fault/fault_schedule.h"
#include "harness/fault/inject_record.h"
#include "harness/fault/injector.h"
#include "harness/fault/targets.h"
#include "harness/fault/trap.h"
#include "pool/sys/error.h"
#include "pool/sys/event_loop.h"

namespace hydrapool::harness {

/// A schedule of faults, carried out by an injector.
///
///     sys::EventLoop loop;
///     Injector injector(pid);
///     InjectRun run(loop, {.schedule = spec}, injector, [&] { return ProcessesOf(pid); }, write_line);
///     const InjectSummary summary = run.Run();
///
/// waiting → (a fault is due: list, choose, strike) → waiting … → settling (what is still awaited) → over
///
/// Faults come when they are due whether earlier victims are dead or not, so a TERM that drains for long
/// holds nothing up; a worker that is leaving already is no victim again. A fault that comes late because the
/// machine was busy is carried out late, never dropped. One of a phase, or of a slot's program, waits up to a
/// second until there is one, and those after it wait with it; so they do for two seconds for a server that
/// does not answer. Each blow's outcome is reported once, when it
/// is known: at the death, when a signal was taken, when the time of what is held is over, when the server is
/// renewed, or at the deadline. Ends with the schedule, when the injector has dealt all its blows, with
/// Stop(), with the main process's end, unless another process of the server takes its place within five
/// seconds, or when a fault is due by a count that stands still. Whatever is still held when this object goes
/// is taken back.
///
/// Not promised: `dead` is when this loop saw the death; looking at the server over HTTP delays it by as much
/// as that takes. One thread. Throws std::system_error where epoll or the main process's pidfd fails.
class InjectRun {
 public:
  struct Options {
    ScheduleSpec schedule;
    /// After that a victim has survived, and a server was not renewed.
    sys::Nanos dead_within = 5 * sys::kSecond;
    sys::Nanos hold = sys::kSecond;  ///< How long what is held lasts.
    /// When the server executes no request for so long, faults that are due by a count are given up.
    sys::Nanos requests_within = 30 * sys::kSecond;
    Harm harm = {};
    Trap* trap = nullptr;  ///< Its faults hit who walks into it; the server was started with its setting.
    std::vector<PlannedFault> listed = {};  ///< Not empty: these, instead of a schedule.
  };
  /// The server at this moment, its workers in a stable order.
  using Look = std::function<sys::Result<ServerProcesses>()>;
  using Report = std::function<void(const InjectRecord&)>;

  /// `injector` may be shared with other runs of the same loop.
  InjectRun(sys::EventLoop& loop, const Options& options, Injector& injector, Look look, Report report);
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
    std::optional<bool> seen = {};  ///< Its effect was; false: at two looks at least it was not there.
    bool doubted = false;           ///< At one look it was not.
    ServerProcesses before = {};    ///< The server that is to renew itself.
    sys::EventLoop::Watch watch = {};
    sys::EventLoop::Timer deadline = {};
    sys::EventLoop::Timer look = {};  ///< The next one at what it does.
  };

  void WatchMain();
  void SeekMain(sys::Nanos deadline);
  void ScheduleNext();
  /// `deadline`: of a fault that is due already and waits for its victim.
  void Try(PlannedFault fault, std::optional<sys::Nanos> deadline);
  void TryAgain(const PlannedFault& fault, std::optional<sys::Nanos> deadline, sys::Nanos pause);
  [[nodiscard]] bool MayAnswerYet(const sys::Result<ServerProcesses>& server);
  [[nodiscard]] std::optional<sys::Nanos> PauseUntilDue(const PlannedFault& fault,
                                                        const ServerProcesses& server);
  [[nodiscard]] bool CountStandsStill() const;
  /// False: there is no victim yet, and there may be one soon.
  bool CarryOut(const PlannedFault& fault, const sys::Result<ServerProcesses>& server, bool is_last_try);
  bool StrikeWorkers(const PlannedFault& fault, const ServerProcesses& server, bool is_last_try);
  bool StrikeCaught(const PlannedFault& fault, const ServerProcesses& server,
                    const std::vector<ProcessView>& unhurt, bool is_last_try);
  void LeaveTrap();
  void StrikeOne(const PlannedFault& fault, const ProcessView& victim, const ServerProcesses& server);
  void Await(InjectRecord record, Blow blow, const ServerProcesses& server);
  void LookAt(Wait& wait);
  static void LookWhetherHeld(Wait& wait);
  void LookWhetherRenewed(Wait& wait);
  void TimeIsOver(Wait& wait);
  void Settle(Wait& wait, Outcome outcome, Evidence evidence = {});
  void Missed(const PlannedFault& fault, const std::optional<ProcessView>& worker, std::string reason);
  void Finish(InjectRecord record);
  [[nodiscard]] InjectRecord RecordOf(const PlannedFault& fault,
                                      const std::optional<ProcessView>& worker) const;

  sys::EventLoop& loop_;
  Options options_;
  Injector& injector_;
  Look look_;
  Report report_;
  FaultSchedule schedule_;
  InjectSummary summary_;
  struct {
    sys::UniqueFd pidfd;
    sys::EventLoop::Watch watch = {};
    sys::EventLoop::Timer seek = {};  ///< The next look for the one that takes its place.
  } main_;
  sys::EventLoop::Timer next_;
  std::optional<std::uint64_t> trap_guarded_;
  std::optional<sys::Nanos> silent_since_;  ///< The server answers nobody who looks at it.
  std::vector<std::unique_ptr<Wait>> waits_;
  sys::Nanos start_ = 0;
  /// From which requests are counted, for faults that are due by a count.
  struct Count {
    std::uint64_t requests = 0;
    sys::Nanos at = 0;
    std::uint64_t last = 0;  ///< The newest count, and since when it stands.
    sys::Nanos since = 0;
  };
  std::optional<Count> counted_from_;
};

}  // namespace hydrapool::harness
