#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "pool/shared/process_turns.h"
#include "pool/sys/clock.h"
#include "pool/sys/shared_memory.h"

namespace hydrapool {

/// The places of the processes that answer requests, over the whole pool: no more processes than places,
/// exactly.
///
///   free → claimed (by a worker, for a lease) → occupied (by the process itself, before its exec) → free
///
/// A place is one word that says whose it is, changed by compare-and-swap: so a death leaves no place that
/// nobody can give back. A claim is given back by its worker, or by the parent that has reaped the worker; an
/// occupied place only by the parent that has reaped the process. In shared memory.
class ProcessPlaces {
 public:
  static constexpr std::size_t kMost = 16'384;
  using Place = std::atomic<std::uint32_t>;

  ProcessPlaces() : places_(kMost), tenancies_(kMost), used_(1) {}

  /// The name under which a worker claims for a lease: another one each time the lease was lent again, so
  /// that a process on its way to the gate, whose worker has died, takes no place of a later claim.
  static std::uint32_t Claimant(std::uint32_t slot, std::uint64_t generation) {
    return slot | static_cast<std::uint32_t>(generation % 1024) << 20;
  }

  /// One of the first `limit` places; null: all of them are taken.
  Place* Claim(std::uint32_t lease, std::size_t limit) const;
  /// False: the claim was given back, for its worker is dead; the process must not exec. Async-signal-safe.
  static bool Occupy(Place& place, std::uint32_t lease, pid_t self);
  /// A claim that came to nothing. Leaves a place that a process has occupied.
  static void GiveBack(Place& place, std::uint32_t lease);
  /// What a lease has claimed and no process has occupied; null: nothing.
  [[nodiscard]] Place* Find(std::uint32_t lease) const;
  [[nodiscard]] bool Holds(std::uint32_t lease) const { return Find(lease) != nullptr; }
  /// All claims of a lease whose worker is dead.
  void GiveBack(std::uint32_t lease) const;
  /// The processes that have one.
  [[nodiscard]] std::vector<pid_t> Occupants() const;
  /// Its time is up: it is being ended.
  void NoteTimeout(pid_t pid) const;
  struct Freed {
    enum class What : std::uint8_t { kNothing, kPlace, kPlaceOfTimedOut };
    What what = What::kNothing;  ///< kNothing: it has no place (any more)
    sys::Nanos begun = 0;
    std::uint8_t part = 0;       ///< of the site (Reply::part)
    bool out_of_memory = false;  ///< the kernel has killed something in its cgroup meanwhile
  };
  /// By who has claimed it, before the process is started: what its reaping tells of, and whom it is for.
  void Note(const Place& place, sys::Nanos begun, std::uint8_t part, ProcessParty party = {}) const;
  /// The process was reaped.
  Freed Free(pid_t pid) const;
  /// Its number; with its tenancies the name of its process's cgroup (process_cgroups.h).
  [[nodiscard]] std::size_t NumberOf(const Place& place) const {
    return static_cast<std::size_t>(&place - &places_[0]);
  }
  /// nullopt: this process has none.
  [[nodiscard]] std::optional<std::size_t> NumberOf(pid_t pid) const;
  /// How many processes it has had before, where the pool has cgroups; the parent's to count.
  [[nodiscard]] std::atomic<std::uint64_t>& Tenancies(std::size_t number) const {
    return tenancies_[number].before;
  }
  /// Taken at this moment, but by that process.
  [[nodiscard]] std::size_t taken(pid_t but = 0) const;
  /// Whom the taken ones are for, but that process's. Of one that was claimed in this moment and not noted
  /// yet, whom it was for before.
  [[nodiscard]] std::vector<ProcessParty> Parties(pid_t but = 0) const;

 private:
  static std::uint32_t Claimed(std::uint32_t lease) { return lease + 1; }
  static constexpr std::uint32_t kOccupied = 1u << 31;
  static constexpr std::uint32_t kTimedOut = 1u << 30;  // a pid has 22 bits
  static std::uint32_t Occupied(pid_t pid) { return kOccupied | static_cast<std::uint32_t>(pid); }

  [[nodiscard]] std::size_t used() const { return used_[0].load(); }
  static bool IsOf(std::uint32_t place, pid_t pid) {
    return pid > 0 && (place & ~kTimedOut) == Occupied(pid);
  }
  static bool Counts(std::uint32_t place, pid_t but) { return place != 0 && !IsOf(place, but); }

  struct Tenancy {
    sys::Nanos begun;
    std::uint8_t part;
    std::atomic<std::uint64_t> party;
    std::atomic<std::uint64_t> before;
  };

  sys::SharedArray<Place> places_;
  sys::SharedArray<Tenancy> tenancies_;  // of each place; untouched pages cost nothing
  sys::SharedArray<Place> used_;         // one: no place from here on was ever claimed
};

}  // namespace hydrapool
