#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pool/shared/process_places.h"
#include "pool/shared/process_turns.h"
#include "pool/sys/clock.h"
#include "pool/sys/shared_memory.h"

namespace hydrapool {

/// The line of requests that wait for a place for their process (process_places.h), over the whole pool:
/// first come, first served, but that nobody waits for one whose own party has as many as it may
/// (process_turns.h).
///
///     if (line.Join(slot, most, now, rules)) …
///     if (line.TurnsBefore(slot, rules, places) == 0) … claim a place …
///     line.StepOut(slot);   … start the process …
///     line.Leave(slot);
///
/// An entry belongs to a lease, not to a worker: a request whose worker dies keeps its turn, and how long it
/// has waited, also while its process is being started: then it has stepped out, and steps back where nothing
/// came of that. Whoever ends a lease's request takes it out. Nothing is locked. In shared memory.
///
/// Not promised: the order of two that join in the same moment.
class ProcessLine {
 public:
  explicit ProcessLine(std::size_t leases) : entries_(leases), shared_(1) {}

  /// Of the line, what a party with a limit of its own may fill at most: a quarter.
  static constexpr std::size_t kPartysShare = 4;

  /// Comes last, or stays where it is. False: `most` wait already, or its party has its share.
  bool Join(std::uint32_t slot, std::size_t most, sys::Nanos now, const PlaceRules& rules = {}) const;
  void Leave(std::uint32_t slot) const {
    if (Holds(slot)) Remove(slot);
  }
  /// It has a place, or its worker does not come round: the others count and see it no more. No effect on one
  /// that does not wait.
  void StepOut(std::uint32_t slot) const;
  /// It waits again, where it was.
  void StepBack(std::uint32_t slot) const;
  [[nodiscard]] bool Holds(std::uint32_t slot) const { return slot < used() && TicketOf(slot) != 0; }
  /// Since when it waits; 0: it does not.
  [[nodiscard]] sys::Nanos Since(std::uint32_t slot) const;
  /// How many come before it; all, where it does not wait.
  [[nodiscard]] std::size_t Before(std::uint32_t slot) const;
  [[nodiscard]] std::size_t size() const;
  /// How many processes must come to their end before it is its turn for a place; 0: it is. At least, where a
  /// party has a limit of its own.
  [[nodiscard]] std::size_t TurnsBefore(std::uint32_t slot, const PlaceRules& rules,
                                        const ProcessPlaces& places) const;
  /// Whose turn it is where `free` places are free.
  [[nodiscard]] std::vector<std::uint32_t> InTurn(std::size_t free, const ProcessPlaces& places) const;
  /// The first `count` of it, in their order.
  [[nodiscard]] std::vector<std::uint32_t> First(std::size_t count) const;
  /// Somebody of a party of its own has joined, ever: whose turn it is depends on Waiting, not on the order
  /// alone.
  [[nodiscard]] bool apart() const { return shared_[0].apart.load(); }
  /// All that wait, in their order, and what they wait for but its limit.
  [[nodiscard]] std::vector<WaitingProcess> Waiting() const;

 private:
  void Remove(std::uint32_t slot) const;
  struct Entry {
    std::atomic<std::uint64_t> ticket;  // 0: it does not wait; with kSteppedOut: not at the moment
    std::atomic<sys::Nanos> since;
    std::atomic<std::uint64_t> party;  // both packed
    std::atomic<std::uint64_t> most;
  };
  struct Shared {
    std::atomic<std::uint64_t> tickets;
    std::atomic<std::uint32_t> used;  // no lease from here on has ever waited
    std::atomic<bool> apart;
  };
  static constexpr std::uint64_t kSteppedOut = std::uint64_t{1} << 63;
  static bool Waits(std::uint64_t ticket) { return ticket != 0 && (ticket & kSteppedOut) == 0; }
  /// How many of its group wait, or of its client, whichever is more.
  [[nodiscard]] std::size_t SizeOf(const ProcessParty& party) const;
  [[nodiscard]] std::uint32_t used() const { return shared_[0].used.load(); }
  [[nodiscard]] std::uint64_t TicketOf(std::uint32_t slot) const {
    return entries_[slot].ticket.load(std::memory_order_relaxed);
  }

  sys::SharedArray<Entry> entries_;
  sys::SharedArray<Shared> shared_;
};

}  // namespace hydrapool
