#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/shared/death_journal.h"
#include "pool/shared/process_places.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/child.h"
#include "pool/sys/oom_kills.h"
#include "pool/sys/rate_limit.h"

namespace hydrapool {

/// What became of the connections of dead workers so far, or of one.
struct Toll {
  std::array<std::uint64_t, kPhaseNames.size()> rescued{};
  std::uint64_t lost = 0;
  std::uint64_t cut = 0;
  std::uint64_t given_up = 0;  ///< abandoned, or poison

  static Toll Of(const PoolCounts& counts);
  [[nodiscard]] Toll Since(const Toll& before) const;
  [[nodiscard]] std::uint64_t carried() const;
  [[nodiscard]] std::uint64_t harmed() const { return lost + cut + given_up; }
  /// "carried on: 4 idle, 1 executing; 1 lost", or "it held nothing".
  [[nodiscard]] std::string Describe() const;
};

/// Finds the cause of each end, counts it, and says it in the log: one line for each worker, at warning (at
/// info where it was told to go), and for each program that ended by a signal which was not the pool's. At
/// most 20 lines at once and then two a second; once a second what was not said is summed up in one line.
/// Workers' ends are noted in a journal, too.
///
/// "Out of memory" is what the kernel's count of such kills explains (sys/oom_kills.h), from the first Tick
/// on. The parent's thread only.
class Coroner {
 public:
  Coroner(PoolCounts& counts, VitalSigns& signs, DeathJournal& journal);

  /// Why a worker has ended, as a number in kExitCauses; counts it.
  std::size_t JudgeWorker(const WorkerLife& life, const sys::ExitStatus& status);
  void TellWorker(const WorkerLife& life, std::size_t cause, const sys::ExitStatus& status, const Toll& toll);

  /// A process has died that is no worker and is not reaped yet.
  void NoteProgram(pid_t pid, const sys::ExitStatus& status, bool by_pool);
  /// It has been reaped; `freed`: what it had.
  void JudgeProgram(const ProcessPlaces::Freed& freed);
  /// A program has ended, and nobody knows how.
  void CountUnknownEnd() { signs_.program_ends[UnknownProgramEnd()].Add(); }

  /// As a parent begins, and then once a second or so: sums up what was not said.
  void Tick();

 private:
  struct Program {
    pid_t pid = 0;
    sys::ExitStatus status;
    bool by_pool = false;
    std::string name;
  };
  [[nodiscard]] bool WasOutOfMemory(const sys::ExitStatus& status);

  PoolCounts& counts_;
  VitalSigns& signs_;
  DeathJournal& journal_;
  std::optional<sys::OomKills> oom_kills_;  // of where this process is when it begins, and not before
  sys::RateLimit limit_;
  Program program_;
};

}  // namespace hydrapool
