#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "harness/fault/fault.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// What a victim is to be short of.
enum class Scarce {
  kMemory,     ///< It gets none: at its next page the kernel's OOM killer ends it.
  kProcesses,  ///< Neither it nor a child of it can start a process or thread.
  kCpu,        ///< It gets 5 ms of each 100.
};

/// Where the controller of it is mounted, in a hierarchy of version 1 or in that of version 2.
struct CgroupMount {
  int version = 2;
  std::string point = {};
  std::string root = "/";  ///< The cgroup that stands at `point`; a container has its own there.
};
/// Out of /proc/self/mountinfo; nullopt: nowhere. Pure.
[[nodiscard]] std::optional<CgroupMount> MountOf(Scarce what, const std::string& mountinfo);

/// A cgroup of its own for one process, in which it is short of something.
///
///     auto group = VictimGroup::Of(Scarce::kMemory, pid);    // an Error says what this machine lacks
///     … remember group->path() and group->from() …
///     group->Take(pid);                  // moved there
///     … group->HasKilled() …             // or, of what does not end it, HoldsBack(pid)
///     group->End();                      // moved back, if it lives; the group is removed
///
/// The new group lies below the nearest one above the process that hands the controller on to its children
/// (cgroup.subtree_control in version 2; any in version 1) and that this user may write to. Its name says
/// whose victim it is: two injectors never share one.
class VictimGroup {
 public:
  /// Pure of effects. `own`: /proc/PID/cgroup, for tests.
  [[nodiscard]] static sys::Result<VictimGroup> Of(Scarce what, pid_t pid);
  [[nodiscard]] static sys::Result<VictimGroup> In(Scarce what, const CgroupMount& mount,
                                                   const std::string& own, pid_t pid);
  /// One that was made before.
  VictimGroup(Scarce what, std::string path, std::string from)
      : what_(what), path_(std::move(path)), from_(std::move(from)) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& from() const { return from_; }

  [[nodiscard]] sys::Result<void> Take(pid_t pid) const;
  [[nodiscard]] bool HasKilled() const;
  /// `pid` is in it, and its limit reads back.
  [[nodiscard]] bool HoldsBack(pid_t pid) const;
  /// Moves whoever is in it back. True: the group is there no more.
  bool End() const;

 private:
  Scarce what_;
  std::string path_;  ///< Of the new group.
  std::string from_;  ///< Of the process's own.
};

/// What the fault makes scarce by a cgroup; nullopt: it is done by other means.
[[nodiscard]] std::optional<Scarce> ScarceBy(Fault fault);
/// Why this machine cannot do it to `pid` or what that starts; nullopt: it can, or has other means for some.
[[nodiscard]] std::optional<std::string> WhyNoGroup(Fault fault, pid_t pid);

}  // namespace hydrapool::harness
