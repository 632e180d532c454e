#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "pool/parent/peer_limit.h"
#include "pool/parent/rescue_record.h"
#include "pool/shared/lease_table.h"
#include "pool/sys/clock.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// The owner of a lease that waits for a worker.
inline constexpr std::uint32_t kNoWorker = UINT32_MAX;

/// How a lease comes to its owner.
struct Delivery {
  bool sent = false;           ///< its owner's message is in its owner's channel
  sys::Nanos accepted_at = 0;  ///< the connection; 0 from its first hand-over on
  sys::Nanos waits_since = 0;

  sys::Nanos TakeAcceptedAt() { return std::exchange(accepted_at, 0); }
  /// Since when it waits for a worker; the first time it is asked after it had one: `now`.
  sys::Nanos WaitsSince(sys::Nanos now) { return waits_since = waits_since == 0 ? now : waits_since; }
};

/// The parent's own side of the leases: its descriptors, and which worker holds which lease.
///
/// Every open lease has exactly one owner: a worker (by WorkerHandle::number), or kNoWorker while it waits
/// for one. Workers do not look at any of this; the records lie in shared memory all the same, so that the
/// next parent takes them over. Each change of a record is ordered so that a parent that dies within it
/// leaves what Adopt can finish.
class LeaseBook {
 public:
  /// No more than `most` are to be open; what is open already stays.
  LeaseBook(LeaseTable& table, std::size_t workers, std::size_t most = SIZE_MAX);

  /// In a new parent, before it opens any descriptor: takes over what the parent before has noted, and
  /// finishes what it was freeing.
  void Adopt();

  /// Before Adopt: closes this lease for good, touching as little of it as can be; its slot is not used
  /// again.
  void Shut(std::uint32_t slot);

  /// The descriptors of all open leases.
  void AppendNoted(std::vector<int>& descriptors) const;

  /// A slot for a new connection, its word idle; nullopt: the table is full (the descriptor stays the
  /// caller's). `ledger`: the kernel does not count its bytes.
  std::optional<std::uint32_t> Open(sys::UniqueFd& fd, sys::Nanos now, bool ledger = false);
  /// Closes the parent's descriptor and makes the slot free. The caller has ended the connection as it should
  /// end.
  void Free(std::uint32_t slot);

  /// Takes an idle lease from its owner, as long as its word is this one: after true, no worker can claim it
  /// any more.
  bool Take(std::uint32_t slot, LeaseWord idle);
  /// The same for one that is offered in the middle of a request.
  bool TakeOffered(std::uint32_t slot);
  /// Gives a lease a new generation and `word`'s phase and steps; only for leases whose owner is dead.
  void Relend(std::uint32_t slot, LeaseWord word, Excuse excuse);

  void SetOwner(std::uint32_t slot, std::uint32_t worker);
  [[nodiscard]] std::uint32_t owner(std::uint32_t slot) const { return held_[slot].owner; }
  [[nodiscard]] Delivery& delivery(std::uint32_t slot) { return held_[slot].delivery; }
  [[nodiscard]] RescueRecord& rescues(std::uint32_t slot) { return held_[slot].rescues; }
  /// -1: it is free.
  [[nodiscard]] int fd(std::uint32_t slot) const { return held_[slot].fd; }
  [[nodiscard]] std::uint32_t leases_of(std::uint32_t worker) const { return counts_[worker]; }
  [[nodiscard]] std::size_t open() const { return table_.size() - free_.size() - shut_; }
  /// How many connections each address has; kept by Open, Free and Adopt.
  [[nodiscard]] PeerLimit& peers() { return peers_; }
  [[nodiscard]] bool full() const { return free_.empty() || open() >= most_; }

  /// Slots of `worker`, as they are now.
  [[nodiscard]] std::vector<std::uint32_t> SlotsOf(std::uint32_t worker) const;
  /// All open slots.
  [[nodiscard]] std::vector<std::uint32_t> OpenSlots() const;

 private:
  struct Held {
    std::atomic<int> fd{-1};  // the last to be stored when it is opened and freed
    std::atomic<bool> freeing{false};
    std::atomic<bool> shut{false};
    std::uint32_t owner = kNoWorker;
    Delivery delivery;
    RescueRecord rescues;
  };
  void FinishFree(std::uint32_t slot);
  void FinishShut(std::uint32_t slot);

  LeaseTable& table_;
  sys::SharedArray<Held> held_;
  sys::SharedArray<std::uint32_t> used_;  // one: slots from here on were never used
  std::vector<sys::UniqueFd> fds_;        // owners of Held::fd
  std::vector<std::uint32_t> free_;       // the last is used next, so that warm slots are used again
  PeerLimit peers_;
  std::vector<std::uint32_t> counts_;  // leases by worker
  const std::size_t most_;
  std::size_t shut_ = 0;  // slots
};

}  // namespace hydrapool
