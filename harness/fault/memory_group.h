#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "pool/sys/error.h"

namespace hydrapool::harness {

/// A cgroup in which a process is given no more memory, so that the kernel's OOM killer ends it at its
/// next page.
///
///     auto group = MemoryGroup::Of(pid);  // an Error: this machine hands the memory controller on to nobody
///     group->Starve(pid);                 // it is moved into a group of its own, with a limit of 0
///     … group->HasKilled() …
///     group->End();                       // moved back, if it lives; the group is removed
///
/// The new group lies below the nearest one above the process that hands the memory controller on to its
/// children (cgroup.subtree_control in version 2; any in version 1) and that this user may write to. Its name
/// says whose victim it is: two injectors never share one.
class MemoryGroup {
 public:
  /// Pure of effects. `root`: where the memory controller is mounted, and `own`: /proc/PID/cgroup, for tests.
  [[nodiscard]] static sys::Result<MemoryGroup> Of(pid_t pid);
  [[nodiscard]] static sys::Result<MemoryGroup> In(const std::string& root, const std::string& own,
                                                   pid_t pid);
  /// One that was made before.
  MemoryGroup(std::string path, std::string from) : path_(std::move(path)), from_(std::move(from)) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& from() const { return from_; }

  [[nodiscard]] sys::Result<void> Starve(pid_t pid) const;
  [[nodiscard]] bool HasKilled() const;
  /// Moves whoever is in it back. True: the group is there no more.
  bool End() const;

 private:
  std::string path_;  ///< Of the new group.
  std::string from_;  ///< Of the process's own.
};

}  // namespace hydrapool::harness
