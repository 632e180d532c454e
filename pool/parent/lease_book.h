#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "pool/shared/lease_table.h"
#include "pool/sys/clock.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// The parent's own side of the leases: its descriptors, who holds what, who did what to whom. Nothing here
/// is shared.
///
/// Every open lease has exactly one owner: a worker, or kNobody while it waits for one.
class LeaseBook {
 public:
  static constexpr std::uint32_t kNobody = UINT32_MAX;

  LeaseBook(LeaseTable& table, std::size_t workers);

  /// A slot for a new connection, its word idle; nullopt: the table is full (the descriptor stays the
  /// caller's).
  std::optional<std::uint32_t> Open(sys::UniqueFd& fd, sys::Nanos now);
  /// Closes the parent's descriptor and makes the slot free. The caller has ended the connection as it should
  /// end.
  void Free(std::uint32_t slot);

  /// Takes an idle lease from whoever holds it: after true, nobody else can claim it any more.
  bool Take(std::uint32_t slot);
  /// Gives a lease a new generation and `word`'s phase and steps; only for leases whose owner was reaped.
  void Relend(std::uint32_t slot, LeaseWord word, Verdict verdict);

  void SetOwner(std::uint32_t slot, std::uint32_t worker);
  [[nodiscard]] std::uint32_t owner(std::uint32_t slot) const { return held_[slot].owner; }
  [[nodiscard]] int fd(std::uint32_t slot) const { return held_[slot].fd.get(); }
  /// When the connection was accepted; only the first time it is asked, which is at its first hand-over. 0
  /// then.
  sys::Nanos TakeAcceptedAt(std::uint32_t slot) { return std::exchange(held_[slot].accepted_at, 0); }
  [[nodiscard]] std::uint32_t leases_of(std::uint32_t worker) const { return counts_[worker]; }
  [[nodiscard]] std::size_t open() const { return table_.size() - free_.size(); }
  [[nodiscard]] bool full() const { return free_.empty(); }
  [[nodiscard]] bool is_open(std::uint32_t slot) const { return static_cast<bool>(held_[slot].fd); }

  /// What a request has done to its workers so far. A step completed since then starts the count anew, unless
  /// it is known to be the same request's by its `process`: a number that no other request has, 0: none.
  struct Record {
    std::uint32_t strikes = 0;
    std::uint32_t rescues = 0;
    std::uint32_t steps = 0;
    std::uint64_t process = 0;
  };
  Record& record(std::uint32_t slot, std::uint32_t steps, std::uint64_t process = 0);

  /// Slots of `worker`, as they are now.
  [[nodiscard]] std::vector<std::uint32_t> SlotsOf(std::uint32_t worker) const;
  /// All open slots.
  [[nodiscard]] std::vector<std::uint32_t> OpenSlots() const;

 private:
  struct Held {
    sys::UniqueFd fd;
    std::uint32_t owner = kNobody;
    sys::Nanos accepted_at = 0;
    Record record;
  };
  LeaseTable& table_;
  std::vector<Held> held_;
  std::vector<std::uint32_t> free_;    // the last is used next, so that warm slots are used again
  std::vector<std::uint32_t> counts_;  // leases by worker
  std::uint32_t used_ = 0;             // slots from here on were never used
};

}  // namespace hydrapool
