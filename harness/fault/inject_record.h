#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/fault/fault_schedule.h"
#include "harness/fault/proof.h"
#include "harness/fault/targets.h"
#include "pool/sys/clock.h"

namespace hydrapool::harness {

/// What became of one fault for one process.
enum class Outcome {
  kDead,       ///< It was done and its victim died within the deadline.
  kAlive,      ///< Its victim was to die or to leave, and still lives at the deadline.
  kHeld,       ///< It was held for its time and taken back; its victim lives.
  kRenewed,    ///< The server has replaced its workers.
  kDelivered,  ///< A signal whose meaning is the server's own was sent, or a renewal was asked for and not
               ///< seen; its victim lives.
  kMissed,     ///< Nothing was done: no such worker was there, or the injector refused.
};
/// "dead"
[[nodiscard]] std::string_view Name(Outcome outcome);
/// The victim felt it as it was meant to: it is dead or renewed, it was seen to be held, or it was told and
/// nothing else was seen than that.
[[nodiscard]] constexpr bool Landed(Outcome outcome, Proof proof) {
  if (outcome == Outcome::kHeld) return proof == Proof::kConfirmed;
  if (outcome == Outcome::kDelivered) return proof != Proof::kMismatched;
  return outcome == Outcome::kDead || outcome == Outcome::kRenewed;
}

/// A line of the journal.
struct InjectRecord {
  std::uint64_t id = 0;      ///< The schedule's; several workers share it with the target `all`.
  sys::Nanos at = 0;         ///< Since the start of the run: when the signal was sent, or would have been.
  std::int64_t unix_ms = 0;  ///< The same on the wall clock, to be joined with other logs.
  Fault fault = Fault::kKill;
  Target target = Target::kRandom;
  std::uint64_t draw = 0;                      ///< The schedule's.
  sys::Nanos hold = 0;                         ///< How long it was to be held, where it is one that is.
  std::optional<std::uint64_t> requests = {};  ///< After how many it was due, where it was so by a count.
  std::optional<Phase> phase = {};             ///< In which its victim was to be.
  std::optional<ProcessView> worker = {};      ///< The victim; nullopt: there was none.
  std::optional<sys::Nanos> dead = {};    ///< From just before the fault to the pidfd's report of the death.
  std::optional<sys::Nanos> undone = {};  ///< From just before the fault until it was taken back.
  std::optional<sys::Nanos> renewed =
      {};                             ///< From just before the fault until the server was seen to be renewed.
  std::vector<int> ended_ports = {};  ///< Of clients whose connections it has ended itself.
  Outcome outcome = Outcome::kMissed;
  Proof proof = Proof::kUnproved;
  std::string reason = {};  ///< Why it was missed, or is not confirmed.
};

/// One line of JSON without the newline:
/// {id,t_ms,unix_ms,fault,target,draw,hold_ms?,requests?,phase?,role?,slot?,pid?,start_time?,dead_us?,undone_us?,renewed_us?,connections?,outcome,proof,reason?}.
[[nodiscard]] std::string ToJson(const InjectRecord& record);

/// A whole run in figures.
struct InjectSummary {
  ScheduleSpec schedule;
  std::size_t listed = 0;  ///< Faults of a journal, which were to be done again instead; 0: there was none.
  pid_t parent = 0;
  std::string ended;           ///< Why it ended: "schedule", "interrupted", "parent", "budget", "breach",
                               ///< "requests": the count by which faults were due stood still.
  std::uint64_t planned = 0;   ///< Faults of the schedule whose time came.
  std::uint64_t sent = 0;      ///< Blows.
  std::uint64_t landed = 0;    ///< Blows that their victims felt as they were meant (Landed()).
  std::uint64_t missed = 0;    ///< Records without a blow.
  std::uint64_t survived = 0;  ///< Blows that were to end a worker, and that it outlived.
  std::map<Proof, std::uint64_t> proofs = {};
  std::string last_reason;  ///< Why the last that is not confirmed is not.
  std::vector<sys::Nanos> dead;
  /// Of faults of a phase: whether their victims were in it, by the pool's own journal.
  struct PhaseHits {
    std::uint64_t hit = 0;
    std::uint64_t missed = 0;
    std::uint64_t unknown = 0;
    void Add(std::optional<bool> was_in_it);
  };
  std::optional<PhaseHits> phases = {};

  void Add(const InjectRecord& record);
};

/// The p-th percentile by nearest rank (0 < p <= 100); nullopt of nothing.
[[nodiscard]] std::optional<sys::Nanos> Percentile(std::vector<sys::Nanos> values, double p);

/// "37 hit their phase, 2 missed it, 1 unknown".
[[nodiscard]] std::string PhaseHitsText(const InjectSummary::PhaseHits& hits);
[[nodiscard]] std::string SummaryText(const InjectSummary& summary);
[[nodiscard]] std::string SummaryJson(const InjectSummary& summary);

}  // namespace hydrapool::harness
