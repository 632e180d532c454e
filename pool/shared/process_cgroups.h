#pragma once

#include <cstddef>
#include <cstdint>
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

/// A cgroup of version 2 (cgroups(7)) for each process that answers a request, below a directory that is
/// delegated to the pool: what the process starts is in it too, whatever session it makes for itself, and
/// ends with it.
///
///     const auto cgroup = cgroups.Enter(place, limits);   // who starts it; then clone3(CLONE_INTO_CGROUP)
///     cgroups.End(place);                                 // who has reaped it, before its place is free
///
/// Nobody holds a cgroup, so nobody's death loses one. It belongs to a place (process_places.h):
/// DIR/program-N to the place N, made when a process first starts there, and used again by the next. A place
/// that is occupied becomes free in one way only, by the parent that has reaped its process or reads its
/// obituary; and before that store the parent kills all that is in the cgroup. If it dies in between, the
/// next parent finds the place occupied and does both again; to kill twice harms nobody, as nothing is
/// started in a place that is not free. A worker may die at any moment: its process is in the cgroup from its
/// first instruction, whether the worker has lived to see it or not.
///
/// The directories are removed where the pool ends. One whose processes were all killed at once leaves them,
/// and what runs there; the next one to have the directory kills and removes that before it serves. A lock on
/// the directory (flock(2)), which supervisor and parents have in common and an upgrade inherits, lets only
/// one pool have it.
///
/// What it writes: memory.max, memory.oom.group and pids.max at each start, where
/// any process is limited so. The controllers are there for the cgroups below once they are in
/// DIR/cgroup.subtree_control, for which no process may be in DIR itself: where the pool is there, as a
/// service of systemd with Delegate=yes is, it moves into DIR/server first.
///
/// Not promised: that what is killed is gone at once; the next process in the same place may share the cgroup
/// with it for that moment. And that a process does not move itself to another cgroup: it has the rights of
/// its user, whose they all are. Not for processes that launchers start as other users: these could not
/// enter.
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

  /// The cgroup of a place, with these limits: for clone3(2).
  [[nodiscard]] sys::Result<sys::UniqueFd> Enter(std::size_t place, const CgroupLimits& limits) const;
  /// Kills all that is in it.
  void End(std::size_t place) const;
  /// How often the kernel has killed there for want of memory, since the cgroup was made.
  [[nodiscard]] std::uint64_t OutOfMemory(std::size_t place) const;
  /// After it: the next program gets a new cgroup, which knows nothing of what this one has set or left in
  /// memory. False: it gets this one, for something in it has not gone yet.
  [[nodiscard]] bool Renew(std::size_t place) const;

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] int lock() const { return lock_.get(); }

  /// This process's pool's; null: it has none. Workers and parents inherit it.
  static const ProcessCgroups* OfPool();
  static void SetOfPool(ProcessCgroups cgroups);

 private:
  [[nodiscard]] std::string Of(std::size_t place) const;
  [[nodiscard]] sys::Result<void> Delegate() const;
  [[nodiscard]] sys::Result<void> Try() const;
  [[nodiscard]] bool RemoveAll() const;

  std::string directory_;
  Controllers wanted_;
  sys::UniqueFd lock_;
};

}  // namespace hydrapool
