#include "pool/parent/crew.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "pool/sys/cpu_time.h"
#include "pool/sys/log.h"

namespace hydrapool {

Crew::Crew(sys::EventLoop& loop, Scoreboard& scoreboard, PoolLife& life, Leases& leases, Seats& seats,
           Lender& lender, Rescuer& rescuer, DeathJournal& deaths, sys::Nanos stall_timeout,
           NewWorker new_worker)
    : loop_(loop),
      scoreboard_(scoreboard),
      life_(life),
      leases_(leases),
      seats_(seats),
      lender_(lender),
      rescuer_(rescuer),
      new_worker_(std::move(new_worker)),
      watchdog_(leases, seats, lender, stall_timeout),
      coroner_(scoreboard.counts(), scoreboard.signs(), deaths) {
  leases_.hear = [this](std::uint32_t worker) {
    if (seats_.handle(worker)) OnMessages(seats_.handle(worker));
  };
}

void Crew::Adopt() {
  for (WorkerHandle* worker : seats_.in_use()) {
    worker->Listen(loop_, JobOf(*worker), life_.obituaries);
    if (worker->life().told_to_leave) worker->TellToLeave();  // perhaps it was not
  }
  for (const std::uint32_t slot : leases_.book.OpenSlots()) Settle(slot);
  CountLeaving();
  children_died_ = true;  // in between
}

// One lease of the parent before. What its owner has got, and has taken up, is the owner's.
void Crew::Settle(std::uint32_t slot) {
  const auto hold = leases_.quarantine.Hold(slot);
  LeaseBook& book = leases_.book;
  const LeaseWord word = leases_.table.lease(slot).Load();
  const std::uint32_t owner = book.owner(slot);
  const bool has_owner = owner != kNoWorker && seats_.handle(owner);
  const bool leaves = has_owner && seats_.handle(owner).life().state.load() == WorkerState::kDraining;
  if (word.phase == Phase::kClosed) {
    leases_.FreeClosed(slot);
  } else if (word.offered) {
    if (!has_owner || !book.delivery(slot).sent) rescuer_.LendAgain(slot);
  } else if (word.phase == Phase::kIdle && (!has_owner || !book.delivery(slot).sent || leaves)) {
    if (book.rescues(slot).IsAsRescued(word)) {
      rescuer_.LendAgain(slot);
    } else if (leases_.TakeIdle(slot)) {
      lender_.LendIdle(slot);
    }
  }
}

WorkerHandle::Job Crew::JobOf(WorkerHandle& worker) {
  return {.work = [this, &worker](sys::Channel channel) { return Work(worker, std::move(channel)); },
          .on_message = [this, &worker] { OnMessages(worker); },
          .on_death =
              [this, &worker] {
                if (const auto status = worker.Ended()) OnDeath(worker, *status);
              }};
}

// The new process. Who sees that a slot's worker is ready finds its number there, not that of the one before.
int Crew::Work(WorkerHandle& worker, sys::Channel channel) {
  scoreboard_.slot(worker.life().slot).pid = ::getpid();
  return new_worker_.work(worker, std::move(channel));
}

void Crew::FillSeats() {
  if (dismissed_) return;
  while (const auto seat = seats_.Vacant(sys::Now())) Start(*seat);
  if (const auto due = seats_.NextStart()) {
    next_start_ = loop_.At(*due, [this] { FillSeats(); });
  }
}

void Crew::Start(std::size_t seat) {
  WorkerHandle& worker = seats_.Settle(seat);
  WorkerSlot& slot = scoreboard_.slot(seat);
  slot.incarnation.fetch_add(1);
  try {
    std::optional<sys::OomScoreOfChildren::Raised> raised;
    if (new_worker_.oom_score != nullptr) raised.emplace(*new_worker_.oom_score, sys::kWorkerOomScore);
    worker.Start(loop_, static_cast<std::uint32_t>(seat), JobOf(worker));
    worker.life().program = life_.program;
    slot.pid = worker.pid();
  } catch (const std::system_error& error) {
    sys::log::Error("worker {} cannot be started: {}; trying again in a second", seat, error.what());
    slot.pid = 0;
    seats_.record(seat).next_start = sys::Now() + sys::kSecond;
    seats_.Vacate(seat);
    seats_.Release(worker);
  }
}

bool Crew::HasNews() const {
  return life_.LaunchersTell() || std::ranges::any_of(seats_.in_use(), [](WorkerHandle* worker) {
           return !worker->line().ring().empty() || worker->News().has_value();
         });
}

void Crew::Listen() {
  // By index: a worker that leaves brings its successor in.
  for (std::size_t i = 0; i < seats_.in_use().size(); ++i) {
    lender_.Collect(*seats_.in_use()[i]);
    Notice(*seats_.in_use()[i]);
  }
}

void Crew::Notice(WorkerHandle& worker) {
  while (const auto event = worker.News()) {
    const SeatRecord& seat = seats_.record(worker.life().slot);
    PoolCounts& counts = scoreboard_.counts();
    switch (worker.Step(*event)) {
      case WorkerAction::kWelcome:
        welcome_ = true;
        if (seat.reaped_at != 0)
          counts.respawn_seconds.Observe(worker.life().ready_at.load() - seat.reaped_at);
        lender_.EvenOut();
        break;
      case WorkerAction::kRecovered:
        if (seat.died_at != 0)
          counts.recovery_seconds.Observe(worker.life().first_reply_at.load() - seat.died_at);
        break;
      case WorkerAction::kReplace:
        Replace(worker);
        break;
      case WorkerAction::kNothing:
      case WorkerAction::kRespawn:
      case WorkerAction::kBury:
        break;
    }
  }
}

void Crew::Replace(WorkerHandle& worker) {
  const std::size_t seat = worker.life().slot;
  SeatRecord& record = seats_.record(seat);
  record.died_at = record.reaped_at = 0;
  seats_.Vacate(seat);
  CountLeaving();
  lender_.TakeAllIdle(worker);
  lender_.FlushAll();
  FillSeats();
}

void Crew::OnMessages(WorkerHandle& worker) {
  while (auto said = worker.line().Peek()) {
    const ToParent& message = said->message;
    const bool holds = message.slot < leases_.table.size() &&
                       leases_.book.owner(message.slot) == worker.number() &&
                       leases_.table.lease(message.slot).Load().generation == message.generation;
    if (holds) {
      leases_.keeper.OnMessage(message, std::move(said->ends));
    } else if (message.kind == ToParent::Kind::kTerminate) {
      leases_.keeper.Terminate(message.pid);
    } else if (message.kind == ToParent::Kind::kLetGo) {  // the lease was taken before this was read
      leases_.keeper.LetFinish(message.pid);
    }
    worker.line().Discard();
  }
}

// What a slot has been credited with is never taken back: its counter does not fall, whoever dies.
void Crew::CountCpu(const WorkerHandle& worker) {
  WorkerLife& life = worker.life();
  const sys::Nanos used = sys::CpuTime(life.pid);
  const sys::Nanos counted = life.cpu_counted.load(std::memory_order_relaxed);
  if (used <= counted) return;
  life.cpu_counted.store(used, std::memory_order_relaxed);
  scoreboard_.slot(life.slot).cpu_nanos.Add(static_cast<std::uint64_t>(used - counted));
}

void Crew::Watch() {
  watchdog_.Look(sys::Now());
  for (const WorkerHandle* worker : seats_.in_use()) CountCpu(*worker);
  MournWorkers();
  if (leases_.keeper.kinship().orphans()) MournPrograms();
}

void Crew::CountLeaving() {
  const auto leaving = std::ranges::count_if(
      seats_.in_use(), [this](const WorkerHandle* worker) { return !seats_.IsPresent(*worker); });
  scoreboard_.counts().leaving.store(static_cast<std::uint32_t>(leaving), std::memory_order_relaxed);
}

void Crew::TellAllToLeave() const {
  for (const WorkerHandle* worker : seats_.in_use()) {
    if (!worker->life().told_to_leave) worker->TellToLeave();
  }
}

void Crew::Signal(int signal) const {
  for (const WorkerHandle* worker : seats_.in_use()) worker->Signal(signal);
}

void Crew::KillAll() {
  dismissed_ = true;
  while (!seats_.in_use().empty()) {
    WorkerHandle& worker = *seats_.in_use().back();
    seats_.Vacate(worker.life().slot);
    worker.Close();
    seats_.Release(worker);
  }
}

}  // namespace hydrapool
