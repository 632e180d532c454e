#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <utility>

#include "pool/parent/coroner.h"
#include "pool/parent/leases.h"
#include "pool/parent/lender.h"
#include "pool/parent/reap_clock.h"
#include "pool/parent/rescuer.h"
#include "pool/parent/seats.h"
#include "pool/parent/watchdog.h"
#include "pool/shared/pool_life.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/oom_score.h"

namespace hydrapool {

/// The workers' lives: start, readiness, leaving, death. A death's way: Reap → OnDeath → rescue → FillSeats.
///
///     crew.FillSeats();   // forks a worker for every seat
///     crew.Listen();      // each round: what workers say and give back
///
/// A worker that leaves is replaced at once, so newcomers never wait for its slowest request. One that dies
/// is replaced when the respawn policy says so. The parent's thread only.
class Crew {
 public:
  struct NewWorker {
    /// Runs in it; its exit code.
    std::function<int(WorkerHandle& self, sys::Channel channel)> work;
    const sys::OomScoreOfChildren* oom_score = nullptr;  ///< to be raised for workers; null: it is
  };
  Crew(sys::EventLoop& loop, Scoreboard& scoreboard, PoolLife& life, Leases& leases, Seats& seats,
       Lender& lender, Rescuer& rescuer, DeathJournal& deaths, sys::Nanos stall_timeout,
       NewWorker new_worker);

  /// In a new parent, once Seats has taken the workers over: listens to them, and finishes what the parent
  /// before has left half done.
  void Adopt();
  /// A worker for every seat that may have one now; for the other seats later, when they may.
  void FillSeats();
  /// What workers have said in shared memory since the last time: what they give back, how they are.
  void Listen();
  /// One has become ready since the last time.
  [[nodiscard]] bool TakeWelcome() { return std::exchange(welcome_, false); }
  /// Something has been said that Listen has not heard.
  [[nodiscard]] bool HasNews() const;

  /// Several times a second: looks for workers that do not come round (watchdog.h) and for deaths of which
  /// no signal and no obituary tells (kinship.h), and counts the CPU time of all workers.
  void Watch();
  /// Sees to the dead of which no signal and no obituary tells. A new parent looks once.
  void MournUntold() {
    MournWorkers();
    MournPrograms();
  }
  /// Once a second or so: sums up in the log what was not said.
  void SumUp() { coroner_.Tick(); }

  /// SIGCHLD came: from a child, or from the supervisor that has an obituary.
  void ChildDied() { children_died_ = true; }
  /// Sees to all that have died; nothing where no SIGCHLD came.
  void Reap();
  /// Before the parent sleeps, so that deaths are timed rightly.
  void BeforeSleep() { reap_clock_.BeforeSleep(sys::Now()); }

  /// From here on the dead are neither rescued nor replaced.
  void Dismiss() { dismissed_ = true; }
  /// All are to finish what they have in hand, and end; each is told once.
  void TellAllToLeave() const;
  void Signal(int signal) const;
  [[nodiscard]] bool gone() const { return seats_.in_use().empty(); }
  /// Kills and reaps the workers that are left.
  void KillAll();

 private:
  void Start(std::size_t seat);
  void Notice(WorkerHandle& worker);
  void Replace(WorkerHandle& worker);
  void OnMessages(WorkerHandle& worker);
  WorkerHandle::Job JobOf(WorkerHandle& worker);
  int Work(WorkerHandle& worker, sys::Channel channel);
  void Settle(std::uint32_t slot);
  void ReadObituaries(ObituaryRing& ring);
  void MournWorkers();
  void MournPrograms();
  bool Mourn(pid_t pid, const sys::ExitStatus& status);
  void OnDeath(WorkerHandle& worker, const sys::ExitStatus& status);
  void Bury(WorkerHandle& worker, const sys::ExitStatus& status, sys::Nanos died_at);
  void CountLeaving();
  void CountCpu(const WorkerHandle& worker);

  sys::EventLoop& loop_;
  Scoreboard& scoreboard_;
  PoolLife& life_;
  Leases& leases_;
  Seats& seats_;
  Lender& lender_;
  Rescuer& rescuer_;
  NewWorker new_worker_;
  Watchdog watchdog_;
  ReapClock reap_clock_;
  Coroner coroner_;
  sys::EventLoop::Timer next_start_;
  bool children_died_ = false;
  bool dismissed_ = false;
  bool welcome_ = false;
};

}  // namespace hydrapool
