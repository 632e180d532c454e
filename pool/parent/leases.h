#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

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

  /// Hears what a worker has said and was not read yet, while a lease is being taken from it.
  std::function<void(std::uint32_t worker)> hear = [](std::uint32_t) {};

  /// Takes a lease between requests from its owner. False: it is not between requests.
  bool TakeIdle(std::uint32_t slot) {
    const std::uint32_t owner = book.owner(slot);
    if (!book.Take(slot)) return false;
    // It has started a process for this connection: what it has said of that may not have been read.
    if (owner != kNoWorker && table.detail(slot).last_process != 0) {
      taking = slot;
      hear(owner);
      taking.reset();
    }
    keeper.Drop(slot, false);  // of its last request
    return true;
  }
  /// What its owner has said of a lease that TakeIdle has just taken from it still counts.
  [[nodiscard]] bool IsTaking(std::uint32_t slot, std::uint32_t generation) const {
    return taking == slot && table.lease(slot).Load().generation == generation + 1;
  }
  std::optional<std::uint32_t> taking = {};
  /// Counts the requests in execution, and finds the oldest. One look at each open lease.
  void Survey(VitalSigns& signs) const;
  /// What lends an idle lease to a worker.
  [[nodiscard]] ToWorker MessageFor(std::uint32_t slot) const {
    return {.slot = slot, .generation = table.lease(slot).Load().generation};
  }
};

}  // namespace hydrapool
