#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "pool/shared/lease_table.h"
#include "pool/shared/messages.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/child.h"
#include "pool/sys/descendants.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/stderr_log.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// The parent's hold on the processes that answer requests: copies of their ends, and their deaths.
///
///   held (its request is in hand) → left (finishing, or terminating) → reaped
///
/// A request's process is the parent's own child (its worker starts it with CLONE_PARENT), so it outlives the
/// worker, dies with the parent, and only the parent reaps it: its pid is its own until then, and signals to
/// it cannot hit a stranger.
///
/// Its ends stay open until it is gone. So a process that is terminated in the middle of its input never
/// takes that for the end of it; and one whose answer is complete may write on: what it writes is read and
/// dropped (RFC 3875, section 6.4), its stderr is logged.
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
  /// The lease's request is over: its process, if it still runs, is terminated or left to finish by itself.
  void Drop(std::uint32_t slot, bool terminate);
  /// TERM to a request process, its group and what it has started and has left the group, KILL after kGrace.
  /// Ignores what is no child of ours.
  void Terminate(pid_t pid) { Terminate(pid, {}); }
  /// Its request is over: it may run on for kFinish. Ignores what is no child of ours.
  void LetFinish(pid_t pid) { LetFinish(pid, {}); }
  /// Its worker died before it could say that the request goes on without the process: done for it.
  void Part(std::uint32_t slot);
  /// Before a lease is lent again: the process must have passed the gate by now, or it never will.
  bool CloseGate(std::uint32_t slot) const;

  /// Takes everything that has died: workers are handed to `on_worker` (which must reap them), the end of a
  /// request's process is noted in its lease's detail and told to `on_process_end`, orphans of both are
  /// reaped silently.
  void ReapAll(const std::function<bool(pid_t)>& on_worker,
               const std::function<void(std::uint32_t slot)>& on_process_end);

 private:
  using Ends = std::array<sys::UniqueFd, kProcessEnds>;
  struct Held {
    Ends ends;
    std::uint64_t offer = 0;
  };
  /// A process whose request is over.
  struct Left {
    explicit Left(std::string name) : errors(std::move(name)) {}
    bool terminating = false;
    Ends ends;
    sys::StderrLog errors;
    sys::EventLoop::Watch output_watch;
    sys::EventLoop::Watch errors_watch;
    sys::EventLoop::Timer timer;
    std::vector<sys::FoundProcess> below;  // what it has started and was to be ended with it
  };
  Ends Release(std::uint32_t slot);
  Left* Leave(pid_t pid, Ends ends);
  void LetFinish(pid_t pid, Ends ends);
  void Terminate(pid_t pid, Ends ends);
  void ReadAndDrop(Left& left);
  static void SignalAll(pid_t pid, Left& left, int signal);
  void Count();
  static bool IsChild(pid_t pid);
  [[nodiscard]] bool NoteEnd(std::uint32_t slot, pid_t pid, const sys::ExitStatus& status) const;
  [[nodiscard]] std::uint32_t SlotOf(pid_t pid) const;

  sys::EventLoop& loop_;
  LeaseTable& table_;
  PoolCounts& counts_;
  std::unordered_map<std::uint32_t, Held> held_;  // by lease
  std::uint64_t offers_ = 0;
  std::map<pid_t, Left> left_;
};

}  // namespace hydrapool
