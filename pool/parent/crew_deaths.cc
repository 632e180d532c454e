// How a worker's or a program's death is heard of, and what follows from it.
#include <fmt/format.h>
#include <signal.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pool/parent/crew.h"
#include "pool/sys/log.h"

namespace hydrapool {
namespace {

void WarnOfYoungDeaths(std::size_t seat, const RespawnPolicy& policy, const sys::ExitStatus& status,
                       sys::Nanos delay) {
  const std::string what = fmt::format("worker {} {} ({}, {} times in a row); next start in {} ms", seat,
                                       policy.failing() ? "is failing" : "keeps dying young",
                                       status.Describe(), policy.in_a_row(), delay / sys::kMillisecond);
  policy.failing() ? sys::log::Error("{}", what) : sys::log::Warn("{}", what);
}

}  // namespace

// Each is reaped, or its obituary put away, only when all that follows from its death is done: a parent that
// dies in between leaves it to the next.
void Crew::Reap() {
  if (!std::exchange(children_died_, false) && !life_.LaunchersTell()) return;
  while (const auto dead = sys::NextDeadChild()) {
    if (!Mourn(dead->pid, dead->status)) {
      sys::ReapChild(dead->pid);
      continue;
    }
    sys::ReapChild(dead->pid);
    coroner_.JudgeProgram(leases_.keeper.OnReaped(dead->pid));
  }
  ReadObituaries(life_.obituaries);
  for (LauncherLife& launcher : life_.launchers) ReadObituaries(launcher.obituaries);
  lender_.TellPlacesFree();
}

void Crew::ReadObituaries(ObituaryRing& ring) {
  for (; const auto obituary = ring.Front(); ring.Pop()) {
    if (Mourn(obituary->pid, obituary->status)) coroner_.JudgeProgram(leases_.keeper.OnReaped(obituary->pid));
  }
}

// True: it is no worker.
bool Crew::Mourn(pid_t pid, const sys::ExitStatus& status) {
  if (WorkerHandle* worker = seats_.WithPid(pid)) {
    OnDeath(*worker, status);
    return false;
  }
  for (WorkerHandle* worker : seats_.in_use()) OnMessages(*worker);  // its offer came before its birth
  coroner_.NoteProgram(pid, status, leases_.keeper.IsTerminating(pid));
  if (const auto slot = leases_.keeper.OnEnd(pid, status)) lender_.TellProcessEnded(*slot);
  return true;
}

// How one ended can be seen as long as it is not reaped.
void Crew::MournWorkers() {
  const sys::Nanos now = sys::Now();
  const std::vector<WorkerHandle*> workers(seats_.in_use().begin(), seats_.in_use().end());
  for (WorkerHandle* worker : workers) {
    if (!worker->EndedUntold(now, leases_.keeper.kinship())) continue;
    OnDeath(*worker, sys::StatusOfZombie(worker->pid()).value_or(sys::ExitStatus{SIGKILL, 0}));
  }
}

// One of which nobody knows how it ended is believed to have ended well: what it has answered tells.
void Crew::MournPrograms() {
  for (const pid_t pid : leases_.keeper.EndedUntold()) {
    const auto status = sys::StatusOfZombie(pid);
    Mourn(pid, status.value_or(sys::ExitStatus{}));
    const ProcessPlaces::Freed freed = leases_.keeper.OnReaped(pid);
    if (status) {
      coroner_.JudgeProgram(freed);
    } else if (freed.what != ProcessPlaces::Freed::What::kNothing) {
      coroner_.CountUnknownEnd();
    }
  }
}

void Crew::OnDeath(WorkerHandle& worker, const sys::ExitStatus& status) {
  Notice(worker);
  worker.life().state = WorkerState::kDead;  // nothing is lent to it any more
  const sys::Nanos now = sys::Now();
  const sys::Nanos died_at = reap_clock_.DeathTime(now);
  PoolCounts& counts = scoreboard_.counts();
  counts.reap_seconds.Observe(now - died_at);
  CountCpu(worker);
  const std::size_t cause = coroner_.JudgeWorker(worker.life(), status);
  OnMessages(worker);
  lender_.Collect(worker);
  if (!dismissed_) {
    const Toll before = Toll::Of(counts);
    rescuer_.RescueAll(worker, status);
    coroner_.TellWorker(worker.life(), cause, status, Toll::Of(counts).Since(before));
    lender_.FlushAll();
  }
  Bury(worker, status, died_at);
  FillSeats();
}

void Crew::Bury(WorkerHandle& worker, const sys::ExitStatus& status, sys::Nanos died_at) {
  const std::size_t seat = worker.life().slot;
  const bool was_ready = worker.life().stage != WorkerStage::kStarting;
  WorkerSlot& slot = scoreboard_.slot(seat);
  slot.last_exit = status.signal != 0 ? 256 + status.signal : status.code;
  if (slot.pid == worker.life().pid) slot.pid = 0;
  if (worker.Step(WorkerEvent::kReaped) == WorkerAction::kRespawn) {
    SeatRecord& record = seats_.record(seat);
    record.died_at = died_at;
    record.reaped_at = sys::Now();
    const sys::Nanos delay = record.policy.OnDeath(
        {.lived = died_at - worker.life().started_at, .status = status, .was_ready = was_ready});
    record.next_start = record.reaped_at + delay;
    if (delay > 0 && !dismissed_) WarnOfYoungDeaths(seat, record.policy, status, delay);
    seats_.Vacate(seat);
  }
  worker.Close();
  seats_.Release(worker);
  CountLeaving();
}

}  // namespace hydrapool
