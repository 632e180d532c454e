#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/fault/fault.h"

namespace hydrapool::harness {

/// A process, as it cannot be confused with a later one of the same number.
struct Identity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< Clock ticks since boot: field 22 of /proc/PID/stat.

  bool operator==(const Identity&) const = default;
};

/// A worker as the injector sees it at the moment of a fault. Without the pool's admin endpoint only the
/// identity is known.
struct WorkerView {
  Identity identity;
  std::optional<int> slot = {};
  std::uint64_t incarnation = 0;  ///< Which life of its slot it is, from 1; 0 where there is no slot.
  std::int64_t busy = 0;
  std::int64_t leases = 0;
  bool leaving = false;  ///< It says that it is on its way out.

  bool operator==(const WorkerView&) const = default;
};

/// Who is hit of `workers`: none, one or several; for Target::kParent none. For one it depends on the order
/// of `workers`, which the caller keeps stable (by slot, by pid). Pure: its randomness is `draw`, so a test
/// is a literal table.
[[nodiscard]] std::vector<WorkerView> ChooseTargets(const Target& target, std::span<const WorkerView> workers,
                                                    std::uint64_t draw);

}  // namespace hydrapool::harness
