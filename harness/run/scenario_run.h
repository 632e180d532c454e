#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "harness/fault/inject_run.h"
#include "harness/observe/observer.h"
#include "harness/observe/run_record.h"
#include "harness/observe/steady_state.h"
#include "harness/report/live_text.h"
#include "harness/run/load_jobs.h"
#include "harness/run/program.h"
#include "harness/run/scenario.h"
#include "harness/run/scenario_server.h"
#include "pool/sys/error.h"
#include "pool/sys/event_loop.h"

namespace hydrapool::harness {

/// Carries a scenario out: server up → clients start → faults as scheduled → clients end → server down.
///
///     sys::EventLoop loop;
///     ScenarioRun run(loop, scenario, seed, scratch);
///     const auto record = run.Run();
///     if (!record) return Refusal(record.error());   // it could not begin
///     const Judgement judgement = Judge(*record, scenario.expect);
///
/// Faults count from the moment when the clients were started. Clients that do not end within 15 s of the
/// scenario's end are killed and counted as broken. If the server ends, or no longer serves as the scenario
/// wants it to all the time, the rest of the run is called off: no more faults, and what is held is taken
/// back.
class ScenarioRun {
 public:
  ScenarioRun(sys::EventLoop& loop, const Scenario& scenario, std::uint64_t seed, const ScratchDir& scratch);

  ~ScenarioRun();

  /// Returns when it is over. Once.
  sys::Result<RunRecord> Run();
  /// `report` gets each fault when it is known what came of it, while the run goes on. Before Run().
  void ReportFaults(std::function<void(const FaultRecord&)> report) { report_ = std::move(report); }
  /// `report` gets the run as it is, twice a second. Before Run().
  void ReportProgress(std::function<void(const Progress&)> report) { progress_ = std::move(report); }
  /// Calls the run off; Run() returns soon. From a callback of the loop.
  void Interrupt();

 private:
  void SetTraps();
  [[nodiscard]] sys::Result<void> CheckTargets() const;
  [[nodiscard]] tl::unexpected<sys::Error> Refusal(const FaultPlan& plan, sys::Error error) const;
  [[nodiscard]] std::optional<PoolStatus::Totals> TotalsNow() const;
  void WatchSteadyState();
  /// A server that takes the place of the one that was started does not end with this process: the guard ends
  /// it then.
  void GuardSuccessor();
  void StartFaults();
  /// While it is observed.
  [[nodiscard]] sys::Result<ServerProcesses> ServerNow();
  void LetItRun(LoadJobs& jobs);
  void TellProgress(LoadJobs& jobs);
  [[nodiscard]] std::optional<ServerState> StateOnceStarted() const;
  [[nodiscard]] std::optional<ServerState> StateWhenSettled() const;
  [[nodiscard]] bool FaultsOver() const;
  void StopFaults(const std::string& why);
  void TakeFault(std::size_t plan, sys::Nanos start, const InjectRecord& record);
  void NumberFaults();
  void AddPhases();
  void AddTimelines(const Observer::Seen& seen);

  sys::EventLoop& loop_;
  Scenario scenario_;  ///< As it was written, until it has its place.
  std::uint64_t seed_;
  const ScratchDir& scratch_;
  std::map<std::size_t, std::unique_ptr<Trap>> traps_;  ///< By the number of their plan.
  std::unique_ptr<ScenarioServer> server_;
  std::unique_ptr<Injector> injector_;
  std::vector<std::unique_ptr<InjectRun>> injects_;  // after injector_: they end first
  std::optional<Observer> observer_;
  std::optional<SteadyState> steady_;
  std::function<void(const FaultRecord&)> report_;
  std::function<void(const Progress&)> progress_;
  Progress now_;  ///< What progress_ gets.
  RunRecord record_;
  bool called_off_ = false;
};

}  // namespace hydrapool::harness
