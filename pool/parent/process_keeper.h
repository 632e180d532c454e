#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "pool/parent/left_processes.h"
#include "pool/shared/lease_table.h"
#include "pool/shared/messages.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/child.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// The parent's hold on the processes that answer requests: copies of their ends, and their deaths.
///
///   held (its request is in hand) → left (left_processes.h: finishing, or terminating) → reaped
///
/// A request's process is the parent's own child (its worker starts it with CLONE_PARENT), or the
/// supervisor's where its worker is older than this parent. So it outlives the worker. Only one of the two
/// reaps it, and tells of its end before: its pid is its own until then, and signals to it cannot hit a
/// stranger.
///
/// What is held is noted in shared memory, for the next parent.
class ProcessKeeper {
 public:
  ProcessKeeper(sys::EventLoop& loop, LeaseTable& table, PoolCounts& counts);

  /// In a new parent, before it opens any descriptor: takes over what the parent before has noted.
  void Adopt(Kinship kinship);
  /// Before it: of this lease nothing is taken over.
  void Forget(std::uint32_t slot) { records_[slot].held = false; }
  /// Then: goes on with what was left.
  void Resume();
  /// The descriptors that are noted.
  void AppendNoted(std::vector<int>& descriptors) const;

  /// What a worker said about the process of a lease that it holds.
  void OnMessage(const ToParent& message, ProcessEnds ends);
  /// Appends the ends held for a lease to `descriptors`; returns the mask that says which.
  std::uint8_t AppendEnds(std::uint32_t slot, std::vector<int>& descriptors) const;
  /// Which offer of all it was by which the lease came to the process that is held for it; 0: none is.
  [[nodiscard]] std::uint64_t OfferOf(std::uint32_t slot) const;
  /// The lease's request is over: its process, if it still runs, is terminated or left to finish by itself.
  void Drop(std::uint32_t slot, bool terminate);
  /// Of a lease that has been taken meanwhile. Ignores what is no process of ours.
  void Terminate(pid_t pid);
  void LetFinish(pid_t pid);
  /// Its worker died before it could say that the request goes on without the process: done for it.
  void Part(std::uint32_t slot);
  /// Before a lease is lent again: the process must have passed the gate by now, or it never will.
  bool CloseGate(std::uint32_t slot) const;

  /// A process has died that is not yet reaped. Returns the lease whose request it answered, for its worker
  /// to be told; nullopt: none.
  std::optional<std::uint32_t> OnEnd(pid_t pid, const sys::ExitStatus& status);
  /// And then, when it is reaped: what is left in its cgroup is killed, and its places are free. kNothing: it
  /// was no request's process.
  ProcessPlaces::Freed OnReaped(pid_t pid);
  /// Processes with a place that have ended, of which nobody tells: orphans (kinship.h), and what the parent
  /// before has reaped and could not tell of.
  [[nodiscard]] std::vector<pid_t> EndedUntold() const;
  [[nodiscard]] const Kinship& kinship() const { return left_.kinship(); }
  /// It is being ended by the pool.
  [[nodiscard]] bool IsTerminating(pid_t pid) const { return left_.IsTerminating(pid); }
  /// Ends all of them, for the pool ends.
  void KillAll();

 private:
  struct Held {
    ProcessEnds ends;
    std::uint64_t offer = 0;
  };
  struct Record {  // in shared memory, by lease
    std::atomic<bool> held{false};
    ProcessEndNumbers ends = kNoEnds;
    std::uint64_t offer = 0;
  };
  ProcessEnds Release(std::uint32_t slot);
  /// True: something in it was killed for want of memory.
  bool EndCgroup(pid_t pid);
  /// Those that were not gone when their places became free; again and again until they are.
  void SweepCgroups();
  void Count();
  [[nodiscard]] bool NoteEnd(std::uint32_t slot, pid_t pid, const sys::ExitStatus& status) const;
  [[nodiscard]] std::optional<std::uint32_t> SlotOf(pid_t pid) const;

  sys::EventLoop& loop_;
  LeaseTable& table_;
  PoolCounts& counts_;
  sys::SharedArray<Record> records_;
  sys::SharedArray<std::uint64_t> offers_;        // one: how many there have been
  std::unordered_map<std::uint32_t, Held> held_;  // by lease
  LeftProcesses left_;
  sys::EventLoop::Timer sweep_;
};

}  // namespace hydrapool
