#pragma once

#include <sys/types.h>

#include <cstdint>

#include "pool/shared/pool_life.h"

namespace hydrapool {

/// Whose child a process of the pool is now, and by what its end is known.
enum class Kin : std::uint8_t {
  kChild,        ///< this parent's: SIGCHLD
  kSupervisors,  ///< an earlier parent's, which has died: the supervisor's obituary (obituary_ring.h)
  kLaunched,     ///< a launcher's (cgi/launch_server.h): that one's obituary
  kOrphan,       ///< an earlier supervisor's, which has died too: by nothing
  kNone,         ///< reaped, or never a process of this pool
};

/// Tells kinship by the kernel's own account, so it is right over the deaths of parents and supervisors.
///
/// A parent that becomes the supervisor does not inherit what the supervisor before had: the kernel gives
/// that to an ancestor of both, whose child the parent has just become too. So an orphan is known as a
/// sibling of the supervisor, and, from the supervisor's death until there is another one, as a sibling of
/// the parent itself. Its pid is not the pool's to reap. Not promised: that a number which was given
/// up and taken by another child of that ancestor within the tenth of a second until the parent looks is told
/// apart.
class Kinship {
 public:
  /// Of a pool without a supervisor.
  Kinship() = default;
  explicit Kinship(const PoolLife& life) : life_(&life) {}

  /// Asked by the parent.
  [[nodiscard]] Kin Of(pid_t pid) const;
  [[nodiscard]] bool IsOurs(pid_t pid) const { return Of(pid) != Kin::kNone; }
  /// It has ended, and neither SIGCHLD nor an obituary will tell of it or has.
  [[nodiscard]] bool EndedUntold(pid_t pid) const;
  /// There may be orphans.
  [[nodiscard]] bool orphans() const { return life_ != nullptr && life_->orphans; }

 private:
  [[nodiscard]] Kin Of(pid_t pid, pid_t own_parent) const;

  const PoolLife* life_ = nullptr;
};

}  // namespace hydrapool
