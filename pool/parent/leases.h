#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "pool/parent/lease_book.h"
#include "pool/parent/process_keeper.h"
#include "pool/parent/quarantine.h"
#include "pool/shared/lease_table.h"
#include "pool/shared/messages.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/event_loop.h"

namespace hydrapool {

/// The connections of a pool as its parent holds them: what it shares with the workers, whom each is lent to,
/// and the processes that answer them.
struct Leases {
  /// Of `capacity` at most `most` are to be open.
  Leases(std::size_t capacity, std::size_t workers, std::size_t most, sys::EventLoop& loop,
         PoolCounts& counts)
      : table(capacity), book(table, workers, most), keeper(loop, table, counts), quarantine(capacity) {}

  LeaseTable table;
  LeaseBook book;
  ProcessKeeper keeper;
  Quarantine quarantine;

  /// Hears what a worker has said and was not read yet.
  std::function<void(std::uint32_t worker)> hear = [](std::uint32_t) {};

  /// Takes a lease between requests from its owner. False: it is not between requests, or was not for a
  /// moment.
  bool TakeIdle(std::uint32_t slot) {
    const LeaseWord idle = table.lease(slot).Load();
    if (idle.phase != Phase::kIdle) return false;
    HearOwner(slot);
    if (!book.Take(slot, idle)) return false;
    keeper.Drop(slot, false);  // of its last request
    return true;
  }
  /// Frees a lease that its owner has closed.
  void FreeClosed(std::uint32_t slot) {
    HearOwner(slot);
    keeper.Drop(slot, table.detail(slot).terminate.load());
    book.Free(slot);
  }
  /// Counts the requests in execution, and finds the oldest. One look at each open lease.
  void Survey(VitalSigns& signs) const;
  /// What lends an idle lease to a worker.
  [[nodiscard]] ToWorker MessageFor(std::uint32_t slot) const {
    return {.slot = slot, .generation = table.lease(slot).Load().generation};
  }

 private:
  // Before a lease comes to rest or is closed, its owner has said what becomes of the process that it has
  // started for it. That counts as long as the lease is the owner's: so it is heard first.
  void HearOwner(std::uint32_t slot) {
    const std::uint32_t owner = book.owner(slot);
    if (owner != kNoWorker && table.detail(slot).last_process != 0) hear(owner);
  }
};

}  // namespace hydrapool
