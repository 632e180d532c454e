#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/fault/targets.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// How the times of faults lie.
enum class Pace {
  kSteady,   ///< One period apart.
  kPoisson,  ///< As independent events come: so far apart on average.
};
[[nodiscard]] std::string_view Name(Pace pace);
[[nodiscard]] sys::Result<Pace> ParsePace(std::string_view text);

/// What a worker does with a connection.
enum class Phase {
  kIdle,
  kReading,
  kExecuting,
  kResponding,
};
/// "executing"
[[nodiscard]] std::string_view Name(Phase phase);
[[nodiscard]] sys::Result<Phase> ParsePhase(std::string_view text);

/// When faults come, beside their period.
struct Trigger {
  Pace pace = Pace::kSteady;
  /// Instead of a time: whenever the server has executed so many more requests, by its own count.
  std::optional<std::uint64_t> requests = {};
  /// And only when a worker is in this phase, which is then the victim.
  std::optional<Phase> phase = {};
  /// To the instruction: by a trap (trap.h), whoever walks into it first.
  bool exact = false;

  /// Only a pool's admin endpoint tells what it goes by.
  [[nodiscard]] bool needs_status() const { return requests || phase; }
  bool operator==(const Trigger&) const = default;
};

/// Those of `workers` that are in that phase as far as a pool's /status.json tells: executing and responding
/// are those that have a request in execution, idle those that have none, reading those that have a
/// connection with none. The pool's journal says afterwards which were (pool_fates.h). Pure.
[[nodiscard]] std::vector<ProcessView> InPhase(std::span<const ProcessView> workers, Phase phase);

/// Why the two do not go together; nullopt: they do.
[[nodiscard]] std::optional<std::string> WhyNotTogether(const Trigger& trigger, const Target& target);

}  // namespace hydrapool::harness
