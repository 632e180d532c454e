#include "pool/parent/steering.h"

#include <fmt/format.h>
#include <signal.h>

#include <cerrno>
#include <system_error>

#include "pool/sys/kill.h"
#include "pool/sys/log.h"
#include "pool/sys/own_memory.h"
#include "pool/sys/socket.h"

namespace hydrapool {

std::vector<Steering::Worker> Steering::Workers(sys::Nanos now) const {
  std::vector<Worker> workers;
  for (std::size_t slot = 0; slot < seats_.size(); ++slot) {
    if (const WorkerHandle* worker = seats_.present(slot)) {
      workers.push_back(Look(*worker, now));
    } else if (slot < seats_.wanted()) {
      workers.push_back({.slot = slot, .incarnation = scoreboard_.slot(slot).incarnation});
    } else {
      continue;
    }
    workers.back().drained = seats_.IsDrained(slot);
  }
  for (const WorkerHandle* worker : seats_.in_use()) {
    if (!seats_.IsPresent(*worker)) workers.push_back(Look(*worker, now));
  }
  return workers;
}

Steering::Worker Steering::Look(const WorkerHandle& worker, sys::Nanos now) const {
  const WorkerLife& life = worker.life();
  const bool present = seats_.IsPresent(worker);
  return {.slot = life.slot,
          .pid = worker.pid(),
          .incarnation = present ? scoreboard_.slot(life.slot).incarnation.load() : 0,
          .state = life.state,
          .leaves = !present || life.told_to_leave,
          .leases = leases_.book.leases_of(worker.number()),
          .busy = life.busy,
          .requests = life.requests,
          .memory = sys::OwnMemoryOf(worker.pid()),
          .age = now - life.started_at,
          .program = life.program};
}

std::vector<Steering::Connection> Steering::ConnectionsFrom(std::uint32_t from, std::size_t most,
                                                            sys::Nanos now) const {
  std::vector<Connection> connections;
  const auto size = static_cast<std::uint32_t>(leases_.table.size());
  for (std::uint32_t slot = from; slot < size && connections.size() < most; ++slot) {
    if (leases_.book.fd(slot) < 0) continue;
    const LeaseWord word = leases_.table.lease(slot).Load();
    const sys::Nanos begun = leases_.table.detail(slot).begun_at;
    Connection connection{.lease = slot,
                          .phase = word.phase,
                          .peer = sys::PeerAddress(leases_.book.fd(slot)),
                          .steps = word.steps,
                          .executing = begun == 0 ? 0 : now - begun};
    const std::uint32_t owner = leases_.book.owner(slot);
    if (owner != kNoWorker && seats_.handle(owner)) {
      connection.worker = seats_.handle(owner).life().slot;
      connection.pid = seats_.handle(owner).pid();
    }
    connections.push_back(std::move(connection));
  }
  return connections;
}

Steering::Refusal Steering::NoSuch(std::size_t slot) const {
  if (slot < seats_.wanted()) return std::nullopt;
  return fmt::format("there is no slot {}: they are 0 to {}", slot, seats_.wanted() - 1);
}

void Steering::TellToLeave(std::size_t slot, const char* why) const {
  const WorkerHandle* worker = seats_.present(slot);
  if (worker == nullptr || worker->life().told_to_leave) return;
  sys::log::Info("worker {} (process {}) {}", slot, worker->pid(), why);
  worker->TellToLeave();
}

Steering::Refusal Steering::Drain(std::size_t slot) const {
  if (auto refusal = NoSuch(slot)) return refusal;
  bool others = seats_.IsDrained(slot);
  for (std::size_t other = 0; other < seats_.wanted(); ++other)
    others = others || (other != slot && !seats_.record(other).drained);
  if (!others) return fmt::format("slot {} is the only one that is not drained", slot);
  seats_.record(slot).drained = true;
  TellToLeave(slot, "is drained: its slot stays empty until it is recycled");
  return std::nullopt;
}

Steering::Refusal Steering::Recycle(std::size_t slot) const {
  if (auto refusal = NoSuch(slot)) return refusal;
  if (!seats_.HasPlace()) return "too many workers are leaving already: wait until one of them has ended";
  SeatRecord& record = seats_.record(slot);
  record.drained = false;
  record.next_start = 0;
  TellToLeave(slot, "is replaced: an operator asked for it");
  crew_.FillSeats();
  return std::nullopt;
}

Steering::Refusal Steering::Resize(std::size_t workers) const {
  const std::size_t most = scoreboard_.most_workers();
  if (workers < 1 || workers > most)
    return fmt::format("there can be 1 to {} workers, not {}", most, workers);
  if (life_.workers.exchange(static_cast<std::uint32_t>(workers)) != workers)
    sys::log::Info("{} workers are wanted", workers);
  return std::nullopt;
}

Steering::Refusal Steering::Reload() const { return Follow(SIGHUP); }
Steering::Refusal Steering::Upgrade() const { return Follow(SIGUSR2); }

Steering::Refusal Steering::Follow(int signal) const {
  const pid_t supervisor = life_.supervisor;
  if (supervisor == 0) return "nothing can follow: there is no supervisor";
  if (life_.stage != PoolStage::kServing) return "the server is on its way out";
  if (sys::Kill(supervisor, signal) != 0) return std::generic_category().message(errno);
  return std::nullopt;
}

}  // namespace hydrapool
