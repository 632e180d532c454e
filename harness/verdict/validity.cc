#include "harness/verdict/validity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

namespace hydrapool::harness {
namespace {

constexpr std::uint64_t kMostUnsent = 10;  // one in so many

double ExpectedInFlight(const RunRecord& run, bool (FaultRecord::*which)() const) {
  double concurrency = 0;
  for (const LoadRecord& load : run.loads) concurrency += load.rate * sys::ToSeconds(load.service_mean);
  return concurrency * static_cast<double>(std::ranges::count_if(run.faults, which));
}

/// Requests that were asked while faults were held.
double ExpectedWhileHeld(const RunRecord& run) {
  double rate = 0;
  for (const LoadRecord& load : run.loads) rate += load.rate;
  sys::Nanos held = 0;
  for (const FaultRecord& fault : run.faults) held += fault.landed() ? fault.held_until() - fault.at : 0;
  return rate * sys::ToSeconds(held);
}

bool HitARequest(const RunRecord& run, const Attribution& attribution) {
  if (std::ranges::any_of(run.faults, &FaultRecord::hit_busy_worker)) return true;
  if (attribution.unexplained.size() < run.failures.size()) return true;
  if (ExpectedWhileHeld(run) >= 1) return true;
  if (ExpectedInFlight(run, &FaultRecord::hit_server) >= 1) return true;
  if (run.pool.totals) return run.pool.totals->rescued_in_flight > 0;
  return ExpectedInFlight(run, &FaultRecord::landed) >= 1;
}

/// Death to what follows it: where nothing died there is none.
bool IsOfDeaths(Measure measure) {
  return measure == Measure::kReapP99 || measure == Measure::kReadyP99 || measure == Measure::kRecoveryP99;
}

bool NoneLanded(const RunRecord& run) { return std::ranges::none_of(run.faults, &FaultRecord::landed); }

std::string WhyUnmeasured(Measure measure, const RunRecord& run) {
  if (measure == Measure::kExecutedTwice)
    return "requests executed more than once: the server has left no ledger of what it executed";
  if (measure == Measure::kIdleLost && run.resting.count > 0)
    return "idle connections: the server ends each as soon as it has answered, so none could rest";
  return fmt::format("{}: could not be {}", InfoOf(measure).words,
                     InfoOf(measure).is_time ? "measured" : "counted");
}

/// What an expectation is about, and could not be seen. That a server has ended, or that no fault has landed,
/// is a reason of its own.
std::vector<std::string> WhatWasNotSeen(const RunRecord& run, const Expectations& expected,
                                        const std::map<Measure, std::int64_t>& measured) {
  std::vector<std::string> reasons;
  const bool has_ended = !run.after && !run.problems.empty();
  for (const auto& [measure, limit] : expected) {
    if (measured.contains(measure) || has_ended) continue;
    if (IsOfDeaths(measure) && !run.fault_lines.empty() && NoneLanded(run)) continue;
    reasons.push_back(WhyUnmeasured(measure, run));
  }
  const RestingConnections& resting = run.resting;
  if (expected.contains(Measure::kIdleLost) && resting.kept && resting.answered < resting.count)
    reasons.push_back(fmt::format("idle connections: {} of {} never had an answer, and so did not rest",
                                  resting.count - resting.answered, resting.count));
  std::uint64_t unexamined = 0;
  for (const auto& [kind, count] : run.unexamined) unexamined += count;
  if (unexamined > 0)
    reasons.push_back(
        fmt::format("{} more failures were counted but not looked into: whether a fault explains them "
                    "is not known",
                    unexamined));
  return reasons;
}

std::optional<std::string> WhyUntrue(const LoadRecord& load) {
  if (!load.broken.empty()) return load.broken;
  if (!load.invalid.empty()) return load.invalid;
  if (const std::uint64_t due = load.sent + load.unsent; load.unsent * kMostUnsent > due)
    return fmt::format("{} of its {} requests were never sent, for all its connections were busy",
                       load.unsent, due);
  return std::nullopt;
}

/// Each line of what was planned is there to prove something.
std::vector<std::string> LinesThatMissed(const RunRecord& run) {
  std::vector<std::string> reasons;
  for (std::size_t line = 0; line < run.fault_lines.size(); ++line) {
    std::set<std::uint64_t> planned;
    bool landed = false;
    std::string why;
    for (const FaultRecord& fault : run.faults) {
      if (fault.line != line) continue;
      planned.insert(fault.id);
      landed |= fault.landed();
      if (!fault.reason.empty()) why = ": " + fault.reason;
    }
    if (!landed)
      reasons.push_back(
          fmt::format("{}: {} planned, none landed{}", run.fault_lines[line], planned.size(), why));
  }
  return reasons;
}

std::string NoFaultLanded(const RunRecord& run) {
  std::string why;
  for (const FaultRecord& fault : run.faults) {
    if (!fault.reason.empty()) why = ": " + fault.reason;
  }
  return "no fault landed" + why;
}

}  // namespace

std::vector<std::string> WhyInvalid(const RunRecord& run, const Expectations& expected,
                                    const std::map<Measure, std::int64_t>& measured,
                                    const Attribution& attribution) {
  std::vector<std::string> reasons = WhatWasNotSeen(run, expected, measured);
  std::uint64_t sent = 0;
  for (const LoadRecord& load : run.loads) {
    sent += load.sent;
    if (const auto why = WhyUntrue(load))
      reasons.push_back(fmt::format("the load on {}: {}", load.url, *why));
  }
  if (sent == 0) reasons.push_back("no request was sent");
  if (run.fault_lines.empty()) return reasons;
  if (NoneLanded(run)) {
    reasons.push_back(NoFaultLanded(run));
    return reasons;
  }
  for (std::string& line : LinesThatMissed(run)) reasons.push_back(std::move(line));
  if (!HitARequest(run, attribution)) reasons.push_back("no fault landed while a request was in flight");
  return reasons;
}

}  // namespace hydrapool::harness
