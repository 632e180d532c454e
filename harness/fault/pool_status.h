#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/fault/targets.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// What an injector needs of a pool's /status.json: who its parent is and who are its workers.
struct PoolStatus {
  struct Worker {
    int slot = 0;
    pid_t pid = 0;
    std::uint64_t incarnation = 0;  ///< Which life of the slot this is, from 1; 0: it does not say.
    std::int64_t busy = 0;
    std::int64_t leases = 0;
    bool ready = false;
    bool draining = false;
    std::uint64_t requests = 0;  ///< Of the slot: goes on through its incarnations.
    std::uint32_t program = 0;   ///< Which of the pool's programs has made it, from 1; 0: it does not say.
    std::optional<sys::Nanos> ready_age = {};     ///< How long ago it was ready first.
    std::optional<sys::Nanos> answered_age = {};  ///< And had answered a request.
    bool operator==(const Worker&) const = default;
  };
  /// The pool's own account since its start.
  struct Totals {
    std::uint64_t rescued = 0;
    std::uint64_t rescued_in_flight = 0;  ///< Of these, not idle.
    std::uint64_t lost = 0;
    std::uint64_t cut = 0;
    std::uint64_t requests = 0;  ///< Executed.
    bool operator==(const Totals&) const = default;
  };
  pid_t main = 0;    ///< The process to which signals for the whole server go: its supervisor, if it has one.
  pid_t parent = 0;  ///< The one whose children the workers are.
  std::optional<Totals> totals = {};  ///< nullopt: it does not say.
  std::vector<Worker> workers = {};   ///< By slot; those that have a process: pid > 0 and not "dead".

  /// It says when a worker became ready and answered, and so a later look tells as much as one at that
  /// moment.
  [[nodiscard]] bool TellsAges() const;
};

/// Reads the JSON of schema 1; unknown members are ignored. Pure.
[[nodiscard]] sys::Result<PoolStatus> ParsePoolStatus(std::string_view json);

/// The processes of `status` as they are in /proc now, with their start times: those that live, the parent
/// only as the main process or a child of it, and workers only as children of one of these. A pid that has
/// been handed on meanwhile is another's child and falls out. `known` live and are of the server for certain:
/// these are not read again.
[[nodiscard]] ServerProcesses LivingProcesses(const PoolStatus& status, std::span<const Identity> known = {});

}  // namespace hydrapool::harness
