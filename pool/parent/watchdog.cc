#include "pool/parent/watchdog.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "pool/shared/pulse.h"
#include "pool/sys/log.h"

namespace hydrapool {

Watchdog::Watchdog(Leases& leases, Seats& seats, Lender& lender, sys::Nanos stall_timeout)
    : leases_(leases), seats_(seats), lender_(lender), stall_timeout_(stall_timeout) {}

void Watchdog::Look(sys::Nanos now) {
  const sys::Nanos before = std::exchange(looked_at_, now);
  if (before != 0 && now - before > sys::kSecond) watched_since_ = now;
  for (WorkerHandle* worker : seats_.in_use()) LookAt(*worker, now);
}

void Watchdog::LookAt(WorkerHandle& worker, sys::Nanos now) {
  WorkerLife& life = worker.life();
  const bool serves = life.stage != WorkerStage::kNone && life.stage != WorkerStage::kStarting;
  const bool owes = serves && (leases_.book.leases_of(worker.number()) > 0 || life.told > life.taken.load());
  const bool late = serves && life.vitality == Vitality::kLate;  // what it owed may be another's by now
  if (owes && life.owing_since == 0) life.owing_since = now;
  if (!owes && !late) life.owing_since = 0;
  const Vitality before = life.vitality;
  if (before == Vitality::kStalled) return worker.Signal(SIGKILL);  // the parent before may have died over it
  const bool judged = life.owing_since != 0 || (serves && life.stage != WorkerStage::kLeaving);
  const Pulse pulse{.beat = std::max(life.beat.load(), life.ready_at.load()),
                    .owing_since = life.owing_since,
                    .watched_since = watched_since_};
  life.vitality = judged ? Judge(pulse, now, stall_timeout_) : Vitality::kWell;
  switch (life.vitality) {
    case Vitality::kWell:
      break;
    case Vitality::kLate:
      if (before == Vitality::kWell)
        sys::log::Warn("worker {} (pid {}) does not come round: its idle connections go to others", life.slot,
                       worker.pid());
      lender_.TakeAllIdle(worker);
      for (const std::uint32_t slot : leases_.book.SlotsOf(worker.number()))
        leases_.table.line().StepOut(slot);
      break;
    case Vitality::kStalled:
      sys::log::Error("worker {} (pid {}) has not come round for {} s: killed", life.slot, worker.pid(),
                      stall_timeout_ / sys::kSecond);
      worker.Signal(SIGKILL);
      break;
  }
}

}  // namespace hydrapool
