#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/fault/fault_schedule.h"
#include "harness/fault/targets.h"
#include "pool/sys/clock.h"

namespace hydrapool::harness {

/// What became of one fault for one worker.
enum class Outcome {
  kDead,    ///< The signal was sent and the worker died of it, or with it, within the deadline: the fault
            ///< landed.
  kAlive,   ///< The signal was sent and the worker still lives at the deadline.
  kMissed,  ///< No signal was sent: nobody was there, or the injector refused.
};
/// "dead"
[[nodiscard]] std::string_view Name(Outcome outcome);

/// A line of the journal.
struct InjectRecord {
  std::uint64_t id = 0;      ///< The schedule's; several workers share it with the target `all`.
  sys::Nanos at = 0;         ///< Since the start of the run: when the signal was sent, or would have been.
  std::int64_t unix_ms = 0;  ///< The same on the wall clock, to be joined with other logs.
  Fault fault = Fault::kKill;
  Target target = Target::kRandom;
  std::optional<WorkerView> worker = {};  ///< nullopt: there was none.
  std::optional<sys::Nanos> dead = {};    ///< From just before the signal to the pidfd's report of the death.
  Outcome outcome = Outcome::kMissed;
  std::string reason = {};  ///< Why it was missed.
};

/// One line of JSON without the newline:
/// {id,t_ms,unix_ms,fault,target,slot?,pid?,start_time?,dead_us?,outcome,reason?}.
[[nodiscard]] std::string ToJson(const InjectRecord& record);

/// A whole run in figures.
struct InjectSummary {
  ScheduleSpec schedule;
  pid_t parent = 0;
  std::string ended;           ///< Why it ended: "schedule", "interrupted", "parent".
  std::uint64_t planned = 0;   ///< Faults of the schedule whose time came.
  std::uint64_t sent = 0;      ///< Signals.
  std::uint64_t landed = 0;    ///< Deaths.
  std::uint64_t missed = 0;    ///< Records without a signal.
  std::uint64_t survived = 0;  ///< Signals that the worker outlived.
  std::string last_reason;     ///< Why the last of the missed was missed.
  std::vector<sys::Nanos> dead;

  void Add(const InjectRecord& record);
};

/// The p-th percentile by nearest rank (0 < p <= 100); nullopt of nothing.
[[nodiscard]] std::optional<sys::Nanos> Percentile(std::vector<sys::Nanos> values, double p);

[[nodiscard]] std::string SummaryText(const InjectSummary& summary);
[[nodiscard]] std::string SummaryJson(const InjectSummary& summary);

}  // namespace hydrapool::harness
