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
  /// `work` is run in a new worker; its exit code. `oom_score`: to be raised for workers; null: it is.
  using Work = std::function<int(WorkerHandle& self, sys::Channel channel)>;
  Crew(sys::EventLoop& loop, Scoreboard& scoreboard, PoolLife& life, Leases& leases, Seats& seats,
       Lender& lender, Rescuer& rescuer, DeathJournal& deaths, sys::Nanos stall_timeout,
       const sys::OomScoreOfChildren* oom_score, Work work);

  /// In a new parent, once Seats has taken the workers over: listens to them, and finishes what the parent
  /// before has left half done.
  void Adopt();
  /// A worker for every seat that may have one now, and later for those that may not yet.
  void FillSeats();
  /// What workers have said in shared memory since the last time: what they give back, how they are.
  void Listen();
  /// One has become ready since the last time.
  [[nodiscard]] bool TakeWelcome() { return std::exchange(welcome_, false); }
  /// Something has been said that Listen has not heard.
  [[nodiscard]] bool HasNews() const;

  /// Several times a second: for those that do not come round (watchdog.h), the dead of whom nobody tells,
  /// and the CPU time of all.
  void Watch();
  /// Sees to the dead of whom nobody tells (kinship.h). A new parent looks once.
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
  void Signal(int signal) const;
  [[nodiscard]] bool gone() const { return seats_.in_use().empty(); }
  /// Kills and reaps those that are left.
  void KillAll();

 private:
  void Start(std::size_t seat);
  void Notice(WorkerHandle& worker);
  void Replace(WorkerHandle& worker);
  void OnMessages(WorkerHandle& worker);
  WorkerHandle::Job JobOf(WorkerHandle& worker);
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
  const sys::OomScoreOfChildren* oom_score_;
  Work work_;
  Watchdog watchdog_;
  ReapClock reap_clock_;
  Coroner coroner_;
  sys::EventLoop::Timer next_start_;
  bool children_died_ = false;
  bool dismissed_ = false;
  bool welcome_ = false;
};

}  // namespace hydrapool
