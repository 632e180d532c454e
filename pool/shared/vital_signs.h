#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pool/shared/counter.h"
#include "pool/shared/duration_histogram.h"
#include "pool/shared/request_counts.h"
#include "pool/sys/child.h"
#include "pool/sys/clock.h"
#include "pool/sys/oom_kills.h"

namespace hydrapool {

/// Causes of a program's end, as exported; every one exists from the start. `timeout`: the pool ended it as
/// it did not answer in time. `terminated`: the pool ended it for another reason: its client was gone, its
/// answer was complete and it ran on, the pool stopped. `unknown`: the parent died over it.
inline constexpr std::array<std::string_view, 7> kProgramEnds{
    "exit_0", "exit_nonzero", "signal", "timeout", "terminated", "out_of_memory", "unknown"};

/// Who ended a program that did not end by itself.
enum class EndedBy : std::uint8_t { kItself, kTimeout, kPool, kOutOfMemory };

/// Which of kProgramEnds an end counts as.
std::size_t ProgramEnd(const sys::ExitStatus& status, EndedBy by);
std::size_t UnknownProgramEnd();

/// Why programs serve the pool, one after another, as exported; every one exists from the start: the first
/// one, HUP, USR2, and the death of the supervisor, whose place the parent takes by executing itself.
inline constexpr std::array<std::string_view, 4> kProgramStarts{"start", "reload", "upgrade",
                                                                "supervisor_died"};
enum class ProgramStart : std::uint8_t { kFirst, kReload, kUpgrade, kSupervisorDied };

/// What an operator asks before anything else. The parent's, in shared memory: the next parent goes on with
/// it. Points of time are CLOCK_MONOTONIC; 0: it is not so.
struct VitalSigns {
  std::atomic<std::uint32_t> connections_limit{0};
  std::atomic<std::uint32_t> processes_limit{0};  ///< of programs at once; 0: it runs none
  std::atomic<sys::Nanos> configured_at{0};       ///< the options in force were read then; since 1970

  std::atomic<bool> draining{false};           ///< it ends; newcomers should go elsewhere
  std::atomic<sys::Nanos> full_since{0};       ///< newcomers wait, for every connection's place is taken
  std::atomic<sys::Nanos> waiting_since{0};    ///< of the lease that has waited longest for a worker
  std::atomic<std::uint32_t> executing{0};     ///< requests in execution
  std::atomic<sys::Nanos> oldest_begun_at{0};  ///< of these, when the oldest began

  std::array<Counter, kProgramStarts.size()> starts;  ///< of the pool's own program, by kProgramStarts
  sys::OomKills::Memory oom_kills;                    ///< what deaths they have explained
  std::atomic<std::uint32_t> refused{0};              ///< reloads and upgrades that changed nothing

  std::array<Counter, kProgramEnds.size()> program_ends;  ///< by kProgramEnds
  /// By part of the site: from a program's start until it was reaped.
  std::array<DurationHistogram, kMostParts> program_seconds;

  void CountStart(ProgramStart why) { starts[static_cast<std::size_t>(why)].Add(); }
};

}  // namespace hydrapool
