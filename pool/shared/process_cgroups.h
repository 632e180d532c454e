#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// What a process and all that it starts may take together. Empty: no limit.
struct CgroupLimits {
  std::optional<std::uint64_t> memory_max{};  ///< bytes; past it the kernel kills all of them
  std::optional<std::uint64_t> tasks_max{};   ///< processes and threads; past it they can start no more
};

/// A process's cgroup: DIR/program-N.K is that of the one which has the place N (process_places.h) when K
/// others have had it before.
struct CgroupName {
  std::size_t place = 0;
  std::uint64_t tenancy = 0;
};

/// A cgroup of version 2 (cgroups(7)) for each process that answers a request, below a directory that is
/// delegated to the pool: what the process starts is in it too, whatever session it makes for itself, and
/// ends with it.
///
///     const auto cgroup = cgroups.Enter(name, limits);   // who starts it; then clone3(CLONE_INTO_CGROUP)
///     cgroups.End(name);                                 // who has reaped it, before its place is free
///
/// Nobody holds a cgroup, so nobody's death loses one. A place that is occupied becomes free in one way only,
/// by the parent that has reaped its process or reads its obituary; and before that store the parent kills
/// all that is in the cgroup, and counts the tenancy. If it dies in between, the next parent finds the place
/// occupied and does both again; to kill twice harms nobody, as nothing is started in a place that is not
/// free. A worker may die at any moment: its process is in the cgroup from its first instruction, whether the
/// worker has lived to see it or not.
///
/// No two programs have the same one. So whatever a program has done to its own (frozen it, divided it, left
/// memory or what is killed and not gone yet) is of no concern to the next one in that place; and it can be
/// killed by cgroup.kill, at once and all of it: Linux 6.14 to 6.18 at least then also kill what is started
/// there by CLONE_INTO_CGROUP, ever after.
///
/// The directories are removed where the pool ends. One whose processes were all killed at once leaves them,
/// and what runs there; the next one to have the directory kills and removes that before it serves. A lock
/// (flock(2)), which supervisor and parents have in common and an upgrade inherits, lets only one pool have
/// it: that of DIR/lock/cgroup.kill, which other users cannot open, as they can the rest, and so not lock.
///
/// What it writes: memory.max, memory.oom.group and pids.max at each start, where
/// any process is limited so. The controllers are there for the cgroups below once they are in
/// DIR/cgroup.subtree_control, for which no process may be in DIR itself: where the pool is there, as a
/// service of systemd with Delegate=yes is, it moves into DIR/server first.
///
/// Not promised: that what is killed is gone at once; what DIR itself counts has that in it for a moment. And
/// that a process does not move itself to another cgroup: it has the rights of its user, whose they all are.
/// Not for processes that launchers start as other users: these could not enter.
class ProcessCgroups {
 public:
  /// Which limits there will be.
  struct Controllers {
    bool memory = false;
    bool tasks = false;
  };

  ProcessCgroups(std::string directory, Controllers wanted);

  /// Whether this directory would do, in one line, without a change to it.
  [[nodiscard]] sys::Result<void> Check() const;
  /// At a pool's start, as its user, and before it forks: has the directory for itself, and all in it that a
  /// pool before has left is gone. `inherited`: the lock of the program before; it has been done then.
  [[nodiscard]] sys::Result<void> Take(sys::UniqueFd inherited);
  /// At its end: whatever runs there is killed, and the cgroups removed.
  void Leave() const;

  /// The cgroup of a process that is to be started, with these limits: for clone3(2).
  [[nodiscard]] sys::Result<sys::UniqueFd> Enter(const CgroupName& name, const CgroupLimits& limits) const;
  /// How often the kernel has killed there for want of memory.
  [[nodiscard]] std::uint64_t OutOfMemory(const CgroupName& name) const;
  /// Kills all that is in it, and removes it. False: it is there yet (what was killed has not gone, or no
  /// descriptor was left); EndAll tries again.
  [[nodiscard]] bool End(const CgroupName& name) const;
  /// All of those for which it is `over`. False: some are there yet.
  [[nodiscard]] bool EndAll(const std::function<bool(const CgroupName&)>& over) const;

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] int lock() const { return lock_.get(); }

  /// This process's pool's; null: it has none. Workers and parents inherit it.
  static const ProcessCgroups* OfPool();
  static void SetOfPool(ProcessCgroups cgroups);

 private:
  [[nodiscard]] std::string PathOf(const CgroupName& name) const;
  [[nodiscard]] std::string PathOfLock() const;
  [[nodiscard]] sys::Result<void> TakeLock();
  [[nodiscard]] sys::Result<void> Delegate() const;
  [[nodiscard]] sys::Result<void> Try() const;
  [[nodiscard]] bool RemoveAll() const;

  std::string directory_;
  Controllers wanted_;
  sys::UniqueFd lock_;
};

}  // namespace hydrapool
