#pragma once

#include <signal.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pool/parent/left_processes.h"
#include "pool/shared/messages.h"
#include "pool/shared/obituary_ring.h"
#include "pool/shared/return_ring.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/channel.h"
#include "pool/sys/child.h"
#include "pool/sys/event_loop.h"

namespace hydrapool {

/// The parent's side of one worker: the channel to it, and the ring back (the worker's side: ParentLink).
///
///     line.Put({.slot = lease, …});  // … until it is sent
///     line.Send(descriptors, sent);
///
/// The channel's descriptor and what was told are noted in the worker's life, for the next parent.
class WorkerLine {
 public:
  WorkerLine(WorkerLife& life, std::size_t leases) : life_(life), ring_(leases) {}

  /// A channel to a new worker; returns the worker's end. Throws std::system_error.
  sys::Channel Open();
  /// In a new parent: the channel of the parent before.
  void Adopt();
  /// `on_message`: something may be in the channel, or its end.
  void Listen(sys::EventLoop& loop, std::function<void()> on_message);
  void Close();

  // ---- what it is told
  /// At most kMaxUntaken messages are between here and its loop.
  [[nodiscard]] bool HasRoom() const { return life_.Untaken() < kMaxUntaken; }
  /// Into its batch. True: the batch is full, and should be sent.
  bool Put(const ToWorker& message);
  [[nodiscard]] std::span<ToWorker> batch() { return batch_; }
  /// Takes out of the batch what is no longer for this worker.
  void Withdraw(const std::function<bool(const ToWorker&)>& stale);
  /// Sends the batch, and returns with it what became of it. kFull: nothing was told.
  sys::Channel::SendStatus Send(std::span<const int> descriptors, std::vector<ToWorker>& sent);

  // ---- what it says
  struct Said {
    ToParent message;
    ProcessEnds ends;
  };
  /// The next message. It stays until it is discarded, so that a parent that dies over it leaves it to the
  /// next.
  [[nodiscard]] std::optional<Said> Peek();
  void Discard() const { channel_.Discard(); }
  /// What it gives back.
  [[nodiscard]] ReturnRing& ring() { return ring_; }

 private:
  WorkerLife& life_;
  ReturnRing ring_;
  sys::Channel channel_;
  sys::EventLoop::Watch watch_;
  std::vector<ToWorker> batch_;
};

/// The parent's hold on one worker: its process, the line to it, and its life (worker_stage.h). Empty before
/// Start and after Close; then it may hold another.
///
///     handle.Start(loop, slot, {.work = …, .on_message = …, .on_death = …});
///
/// `number` is the worker's in Scoreboard::lives and in the LeaseBook. What the next parent must know of it
/// (pid, descriptors, slot, stage, what it was told) lies in its WorkerLife. The parent's thread only.
class WorkerHandle {
 public:
  struct Job {
    std::function<int(sys::Channel)> work;  ///< runs in the child; its exit code
    std::function<void()> on_message;       ///< as WorkerLine::Listen
    std::function<void()> on_death;         ///< to be reaped
  };

  WorkerHandle(std::uint32_t number, WorkerLife& life, std::size_t leases);

  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] WorkerLife& life() const { return life_; }
  [[nodiscard]] WorkerLine& line() { return line_; }
  [[nodiscard]] const WorkerLine& line() const { return line_; }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  explicit operator bool() const { return static_cast<bool>(child_); }

  /// Throws std::system_error where the system refuses; the handle is empty then.
  void Start(sys::EventLoop& loop, std::uint32_t slot, Job job);
  /// In a new parent, before it opens any descriptor: takes over the worker of the parent before. False:
  /// there is none.
  bool Adopt();
  /// Then: listens to it.
  void Listen(sys::EventLoop& loop, Job job, const ObituaryRing& obituaries);
  /// It is dead, and neither SIGCHLD nor an obituary has told of it in time.
  [[nodiscard]] bool EndedUntold(sys::Nanos now, const Kinship& kinship);
  /// What its record tells that has not been heard yet.
  [[nodiscard]] std::optional<WorkerEvent> News() const;
  /// One step in the table of worker_stage.h.
  WorkerAction Step(WorkerEvent event);
  void Signal(int signal) const { child_.Signal(signal); }
  /// It is to finish what it has in hand, and end; noted first, so that the next parent tells it again.
  void TellToLeave() const {
    life_.told_to_leave = true;
    Signal(SIGTERM);
  }
  /// Never blocks; nullopt: it lives, or is not ours to reap. The dead's messages and returns can still be
  /// read.
  [[nodiscard]] std::optional<sys::ExitStatus> Ended() const { return child_.Ended(); }
  /// Empties the handle; a worker that lives is killed, one that is ours is reaped.
  void Close();

 private:
  const std::uint32_t number_;
  WorkerLife& life_;
  WorkerLine line_;
  sys::Child child_;
  sys::EventLoop::Watch death_watch_;
  sys::Nanos dead_since_ = 0;  // as seen by a parent that cannot reap it
};

}  // namespace hydrapool
