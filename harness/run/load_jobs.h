#pragma once

#include <cstdint>
#include <ios>
#include <map>
#include <string>
#include <vector>

#include "harness/observe/run_record.h"
#include "harness/run/program.h"
#include "harness/run/scenario.h"
#include "harness/run/scenario_server.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {

/// The clients of a run, each a child process: one `loadgen` or plain client for each load, the check with
/// ids, and the connections that rest. They all run for the scenario's duration and end by themselves; no
/// thread may run when they are started.
///
///     LoadJobs jobs(scenario, server, scratch);
///     … until jobs.over() …
///     jobs.Collect(record);
class LoadJobs {
 public:
  /// Throws std::system_error where a process cannot be started.
  LoadJobs(const Scenario& scenario, const ScenarioServer& server, const ScratchDir& scratch);

  /// For the loop: a pidfd becomes readable when its job is over.
  [[nodiscard]] std::vector<int> pidfds() const;
  [[nodiscard]] bool over() const;
  /// What failed by loadgen's journals; each call reads what has come since the one before.
  [[nodiscard]] const std::map<FailureKind, std::uint64_t>& FailedSoFar();
  /// Asks all to end now, and to leave what they have.
  void Interrupt() const;
  /// Adds what they found. Jobs that are not over are killed and have found nothing.
  void Collect(RunRecord& record);

 private:
  struct Job {
    std::string url;
    std::string files;  ///< What its files' names begin with.
    sys::Child child;
    int connections = 0;
    int pidfd = -1;
    std::streamoff journal_read = 0;
  };
  static void CollectLoad(Job& job, RunRecord& record);
  static void CollectIdle(const Job& job, RunRecord& record);
  void CollectEcho(const Job& job, RunRecord& record) const;
  static void CollectPlain(const Job& job, RunRecord& record);
  [[nodiscard]] std::vector<const Job*> All() const;

  std::string ledger_;  ///< Of the requests with ids; empty: there is none.
  std::vector<Job> loads_;
  std::vector<Job> plain_;
  std::vector<Job> echo_;  ///< One or none.
  std::vector<Job> idle_;  ///< One or none.
  std::map<FailureKind, std::uint64_t> failed_;
};

}  // namespace hydrapool::harness
