#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <vector>

#include "pool/shared/lease_table.h"
#include "pool/shared/messages.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/child.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// The parent's hold on the processes that answer requests: copies of their ends, and their deaths.
///
/// A request's process is the parent's own child (its worker starts it with CLONE_PARENT), so it outlives the
/// worker, dies with the parent, and only the parent reaps it: its pid is its own until then, and signals to
/// it cannot hit a stranger.
class ProcessKeeper {
 public:
  static constexpr sys::Nanos kGrace = 2 * sys::kSecond;    ///< from TERM to KILL
  static constexpr sys::Nanos kFinish = 60 * sys::kSecond;  ///< from the end of the answer to TERM

  ProcessKeeper(sys::EventLoop& loop, LeaseTable& table, PoolCounts& counts);
  ~ProcessKeeper();

  /// What a worker said about the process of a lease that it holds.
  void OnMessage(const ToParent& message, std::vector<sys::UniqueFd> descriptors);
  /// Appends the ends held for a lease to `descriptors`; returns the mask that says which.
  std::uint8_t AppendEnds(std::uint32_t slot, std::vector<int>& descriptors) const;
  /// Which offer of all it was by which the lease came to the process that is held for it; 0: none is.
  [[nodiscard]] std::uint64_t OfferOf(std::uint32_t slot) const;
  /// The lease's request is over: its ends are closed; its process is terminated or left to finish by itself.
  void Drop(std::uint32_t slot, bool terminate);
  /// TERM to a request process and its group, KILL after kGrace. Ignores what is no child of ours.
  void Terminate(pid_t pid);
  /// Before a lease is lent again: the process must have passed the gate by now, or it never will.
  bool CloseGate(std::uint32_t slot) const;

  /// Takes everything that has died: workers are handed to `on_worker` (which must reap them), the end of a
  /// request's process is noted in its lease's detail and told to `on_process_end`, orphans of both are
  /// reaped silently.
  void ReapAll(const std::function<bool(pid_t)>& on_worker,
               const std::function<void(std::uint32_t slot)>& on_process_end);

 private:
  struct Held {
    std::array<sys::UniqueFd, kProcessEnds> ends;
    std::uint64_t offer = 0;
  };
  void LetFinish(pid_t pid);
  void Count();
  static bool IsChild(pid_t pid);
  [[nodiscard]] std::uint32_t SlotOf(pid_t pid) const;

  sys::EventLoop& loop_;
  LeaseTable& table_;
  PoolCounts& counts_;
  std::unordered_map<std::uint32_t, Held> held_;  // by lease
  std::uint64_t offers_ = 0;
  std::map<pid_t, sys::EventLoop::Timer> terminating_;
  std::map<pid_t, sys::EventLoop::Timer> finishing_;  // answered, and still alive
};

}  // namespace hydrapool
