#pragma once

#include <cstddef>
#include <cstdint>

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
  Leases(std::size_t capacity, std::size_t workers, sys::EventLoop& loop, PoolCounts& counts)
      : table(capacity), book(table, workers), keeper(loop, table, counts), quarantine(capacity) {}

  LeaseTable table;
  LeaseBook book;
  ProcessKeeper keeper;
  Quarantine quarantine;

  /// Takes a lease between requests from its owner. False: it is not between requests.
  bool TakeIdle(std::uint32_t slot) {
    if (!book.Take(slot)) return false;
    keeper.Drop(slot, false);  // of its last request; what its worker says of that now comes too late
    return true;
  }
  /// Counts the requests in execution, and finds the oldest. One look at each open lease.
  void Survey(VitalSigns& signs) const;
  /// What lends an idle lease to a worker.
  [[nodiscard]] ToWorker MessageFor(std::uint32_t slot) const {
    return {.slot = slot, .generation = table.lease(slot).Load().generation};
  }
};

}  // namespace hydrapool
