#include "pool/parent/lender.h"

#include <algorithm>

#include "pool/sys/failpoint.h"

namespace hydrapool {

Lender::Lender(Leases& leases, Seats& seats, Scoreboard& scoreboard, Balance balance)
    : leases_(leases), seats_(seats), scoreboard_(scoreboard), dispatcher_(balance), loads_(seats.size()) {}

std::span<const WorkerLoad> Lender::Loads() {
  const std::size_t used = scoreboard_.workers();
  for (std::size_t seat = 0; seat < used; ++seat) {
    loads_[seat] = {};
    const WorkerHandle* worker = seats_.present(seat);
    if (worker == nullptr) continue;
    const WorkerLife& life = worker->life();
    const bool ready = *worker && life.state.load(std::memory_order_relaxed) == WorkerState::kReady;
    const auto untaken =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(worker->life().Untaken(), kMaxUntaken));
    loads_[seat] = {.ready = ready && worker->line().HasRoom() && life.vitality == Vitality::kWell,
                    .executing = life.busy.load(std::memory_order_relaxed) + untaken,
                    .leases = leases_.book.leases_of(worker->number())};
  }
  return std::span(loads_).first(used);
}

bool Lender::TryLend(const ToWorker& message) {
  const auto seat = dispatcher_.Choose(Loads());
  if (!seat) return false;
  WorkerHandle& worker = *seats_.present(*seat);
  leases_.book.SetOwner(message.slot, worker.number());
  Put(worker, message);
  return true;
}

void Lender::Lend(const ToWorker& message) {
  if (!waiting_.empty() || !TryLend(message)) Wait(message);
}

void Lender::Wait(const ToWorker& message) {
  waiting_.Push(message, leases_.book.delivery(message.slot).WaitsSince(sys::Now()));
}

void Lender::LendWaiting() {
  if (waiting_.empty()) return;
  // The flag first, then one more try: room that comes in between is seen by one of the two.
  scoreboard_.bell().parent_wants_room.store(1);
  // Bounded: a full channel puts leases back at the end of the queue.
  for (auto left = waiting_.size(); left > 0 && TryLend(waiting_.front()); --left) waiting_.Pop();
  if (waiting_.empty()) scoreboard_.bell().parent_wants_room.store(0);
}

void Lender::Collect(WorkerHandle& worker) {
  LeaseBook& book = leases_.book;
  for (; const auto item = worker.line().ring().Front(); worker.line().ring().Pop()) {
    HYDRAPOOL_FAILPOINT("parent.collects");
    if (item->slot >= leases_.table.size() || book.owner(item->slot) != worker.number()) continue;
    const auto hold = leases_.quarantine.Hold(item->slot);
    if (item->released) {
      if (leases_.TakeIdle(item->slot)) {
        if (seats_.IsPresent(worker)) scoreboard_.counts().moved.Add();
        LendIdle(item->slot);
      }
    } else if (leases_.table.lease(item->slot).Load().phase == Phase::kClosed) {
      leases_.FreeClosed(item->slot);
    }
    HYDRAPOOL_FAILPOINT("parent.collected");
  }
}

void Lender::TakeAllIdle(const WorkerHandle& worker) {
  for (const std::uint32_t slot : leases_.book.SlotsOf(worker.number())) {
    if (leases_.TakeIdle(slot)) LendIdle(slot);
  }
}

void Lender::EvenOut() {
  if (!waiting_.empty()) return;
  const auto move = hydrapool::EvenOut(Loads());
  if (!move) return;
  WorkerHandle& to = *seats_.present(move->to);
  std::uint32_t left = std::min<std::uint32_t>(move->count, kMaxUntaken / 2);
  for (const std::uint32_t slot : leases_.book.SlotsOf(seats_.present(move->from)->number())) {
    if (left == 0) break;
    if (!leases_.TakeIdle(slot)) continue;
    --left;
    scoreboard_.counts().moved.Add();
    leases_.book.SetOwner(slot, to.number());
    Put(to, leases_.MessageFor(slot));
  }
}

void Lender::TellPlacesFree() {
  const std::size_t taken = leases_.table.places().taken();
  const std::size_t limit = scoreboard_.signs().processes_limit;
  if (taken >= limit) return;
  const auto turns = leases_.table.line().InTurn(limit - taken, leases_.table.places());
  for (const std::uint32_t slot : turns) TellProcessEnded(slot);
}

void Lender::TellProcessEnded(std::uint32_t slot) {
  const std::uint32_t owner = leases_.book.owner(slot);
  if (owner == kNoWorker || !seats_.handle(owner)) return;
  ToWorker message = leases_.MessageFor(slot);
  message.kind = ToWorker::Kind::kProcessEnded;
  Put(seats_.handle(owner), message);
}

void Lender::Put(WorkerHandle& worker, const ToWorker& message) {
  if (worker.line().Put(message)) Flush(worker);
}

void Lender::Flush(WorkerHandle& worker) {
  const LeaseBook& book = leases_.book;
  // What was taken back (or has ended) since it was put in is not this worker's any more.
  worker.line().Withdraw([&](const ToWorker& message) {
    return book.owner(message.slot) != worker.number() ||
           leases_.table.lease(message.slot).Load().generation != message.generation;
  });
  if (worker.line().batch().empty()) return;
  std::vector<int> descriptors;
  for (ToWorker& message : worker.line().batch()) {
    if (message.kind != ToWorker::Kind::kLease) continue;
    descriptors.push_back(book.fd(message.slot));
    message.process_ends = leases_.keeper.AppendEnds(message.slot, descriptors);
  }
  std::vector<ToWorker> messages;
  HYDRAPOOL_FAILPOINT("parent.sends");
  switch (worker.line().Send(descriptors, messages)) {
    case sys::Channel::SendStatus::kSent:
      return Account(worker, messages);
    case sys::Channel::SendStatus::kFull:
      for (const ToWorker& message : messages) {
        if (message.kind != ToWorker::Kind::kLease) continue;
        leases_.book.SetOwner(message.slot, kNoWorker);
        Wait(message);
      }
      return;
    case sys::Channel::SendStatus::kBroken:
      return;  // it is dead, and its leases are rescued when it is reaped
  }
}

void Lender::Account(const WorkerHandle& worker, const std::vector<ToWorker>& sent) {
  const sys::Nanos now = sys::Now();
  for (const ToWorker& message : sent) {
    if (message.kind != ToWorker::Kind::kLease) continue;
    leases_.book.delivery(message.slot).sent = true;
    scoreboard_.slot(worker.life().slot).connections_leased.Add();
    if (const sys::Nanos accepted = leases_.book.delivery(message.slot).TakeAcceptedAt(); accepted != 0)
      scoreboard_.counts().dispatch_seconds.Observe(now - accepted);
  }
}

void Lender::FlushAll() {
  const LeaseBook& book = leases_.book;
  for (WorkerHandle* worker : seats_.in_use()) Flush(*worker);
  for (std::size_t seat = 0; seat < scoreboard_.workers(); ++seat) {
    const WorkerHandle* worker = seats_.present(seat);
    scoreboard_.slot(seat).leases.store(worker == nullptr ? 0 : book.leases_of(worker->number()),
                                        std::memory_order_relaxed);
  }
  PoolCounts& counts = scoreboard_.counts();
  counts.open_leases.store(static_cast<std::uint32_t>(book.open()), std::memory_order_relaxed);
  counts.unassigned.store(static_cast<std::uint32_t>(waiting_.size()), std::memory_order_relaxed);
}

}  // namespace hydrapool
