#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/fault/fault.h"

namespace hydrapool::harness {

/// A process, as it cannot be confused with a later one of the same number.
struct Identity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< Clock ticks since boot: field 22 of /proc/PID/stat.

  bool operator==(const Identity&) const = default;
};

/// What a process is in its server.
enum class Role {
  kWorker,
  kParent,      ///< Whose children the workers are.
  kSupervisor,  ///< Which makes the parent again.
  kProgram,     ///< Which a worker has started, as CGI.
};
/// "worker"
[[nodiscard]] std::string_view Name(Role role);

/// A process of a server as the injector sees it at the moment of a fault. Without the pool's admin endpoint
/// only its identity and role are known.
struct ProcessView {
  Identity identity;
  std::optional<int> slot = {};
  std::uint64_t incarnation = 0;  ///< Which life of its slot it is, from 1; 0 where there is no slot.
  std::int64_t busy = 0;  ///< Requests in execution; of a parent or supervisor those of all its workers.
  std::int64_t leases = 0;
  bool leaving = false;  ///< It says that it is on its way out.
  Role role = Role::kWorker;
  std::uint32_t program =
      0;  ///< Which of the programs that served one after another has made it; 0: unknown.

  bool operator==(const ProcessView&) const = default;
};

/// All of them at a moment: those that live.
struct ServerProcesses {
  std::optional<ProcessView> supervisor = {};  ///< nullopt: there is none.
  std::optional<ProcessView> parent = {};
  std::vector<ProcessView> workers = {};
  std::vector<ProcessView> programs = {};      ///< Of the slot that was asked for (programs.h).
  std::optional<std::uint64_t> requests = {};  ///< So many has it executed; nullopt: it does not say.

  /// To which signals for the whole server go. nullptr: it is gone.
  [[nodiscard]] const ProcessView* main() const {
    return supervisor ? &*supervisor : parent ? &*parent : nullptr;
  }
};

/// Whether the workers of `before` have been replaced: where the server counts its programs, all that do not
/// leave are of a later one than any before; else as many new ones are there as there were. Pure.
[[nodiscard]] bool Renewed(const ServerProcesses& before, const ServerProcesses& now);

/// Who is hit of a server; for Target::kServer nobody. Pure, as the following.
[[nodiscard]] std::vector<ProcessView> ChooseTargets(const Target& target, const ServerProcesses& server,
                                                     std::uint64_t draw);
/// Who is hit of `workers`: none, one or several; for targets that are no workers none. For one it depends on
/// the order of `workers`, which the caller keeps stable (by slot, by pid). Pure: its randomness is `draw`,
/// so a test is a literal table.
[[nodiscard]] std::vector<ProcessView> ChooseTargets(const Target& target,
                                                     std::span<const ProcessView> workers,
                                                     std::uint64_t draw);

}  // namespace hydrapool::harness
