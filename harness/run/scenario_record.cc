// ScenarioRun, what it writes down of its faults.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/run/scenario_run.h"

namespace hydrapool::harness {

void ScenarioRun::TakeFault(std::size_t plan, sys::Nanos start, const InjectRecord& record) {
  FaultRecord fault{.line = plan,
                    .id = record.id,
                    .at = start + record.at,
                    .unix_ms = record.unix_ms,
                    .fault = record.fault,
                    .target = record.target,
                    .draw = record.draw,
                    .hold = record.hold,
                    .requests = record.requests,
                    .phase = record.phase,
                    .worker = record.worker,
                    .outcome = record.outcome,
                    .proof = record.proof,
                    .reason = record.reason,
                    .ended_ports = record.ended_ports};
  if (record.renewed) fault.renewed = fault.at + *record.renewed;
  if (record.undone) fault.undone = fault.at + *record.undone;
  if (record.dead) fault.timeline.dead = fault.at + *record.dead;
  if (report_) report_(fault);
  (fault.landed() ? now_.landed : now_.missed) += 1;
  now_.last_fault = std::string(Name(fault.fault));
  if (fault.worker) now_.last_fault += " of pid " + std::to_string(fault.worker->identity.pid);
  now_.last_fault += ": " + std::string(Name(fault.outcome));
  record_.faults.push_back(std::move(fault));
}

void ScenarioRun::NumberFaults() {
  std::ranges::sort(record_.faults, {}, &FaultRecord::at);
  std::map<std::pair<std::size_t, std::uint64_t>, std::uint64_t> numbers;
  for (FaultRecord& fault : record_.faults)
    fault.id = numbers.emplace(std::pair{fault.line, fault.id}, numbers.size() + 1).first->second;
}

void ScenarioRun::AddPhases() {
  for (FaultRecord& fault : record_.faults) {
    if (fault.phase && fault.killed() && record_.pool.fates)
      fault.hit_phase = WasInPhase(*record_.pool.fates, fault.worker->identity.pid, fault.at, *fault.phase);
  }
}

void ScenarioRun::AddTimelines(const Observer::Seen& seen) {
  std::vector<Victim> victims;
  std::vector<FaultRecord*> faults;
  for (FaultRecord& fault : record_.faults) {
    if (!fault.worker || fault.worker->role == Role::kProgram) continue;
    faults.push_back(&fault);
    victims.push_back({.identity = fault.worker->identity,
                       .slot = fault.worker->slot,
                       .incarnation = fault.worker->incarnation,
                       .sent = fault.at,
                       .dead = fault.timeline.dead,
                       .role = fault.worker->role});
  }
  record_.lives = LivesIn(seen.family, seen.status);
  const auto timelines = Reconstruct(victims, seen.family, seen.status);
  for (std::size_t i = 0; i < faults.size(); ++i) faults[i]->timeline = timelines[i];
}

}  // namespace hydrapool::harness
