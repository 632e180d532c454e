#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "pool/parent/peer_limit.h"
#include "pool/shared/lease_table.h"
#include "pool/sys/clock.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// The parent's own side of the leases: its descriptors, who holds what, who did what to whom.
///
/// Every open lease has exactly one owner: a worker (by WorkerHandle::number), or kNoWorker while it waits
/// for one. Workers do not look at any of this; the records lie in shared memory all the same, so that the
/// next parent takes them over. Each change of a record is ordered so that a parent that dies within it
/// leaves what Adopt can finish.
class LeaseBook {
 public:
  static constexpr std::uint32_t kNoWorker = UINT32_MAX;

  LeaseBook(LeaseTable& table, std::size_t workers);

  /// In a new parent, before it opens any descriptor: takes over what the parent before has noted, and
  /// finishes what it was freeing.
  void Adopt();

  /// Before Adopt: closes this lease for good, touching as little of it as can be; its slot is not used
  /// again.
  void Shut(std::uint32_t slot);

  /// The descriptors of all open leases.
  void AppendNoted(std::vector<int>& descriptors) const;

  /// A slot for a new connection, its word idle; nullopt: the table is full (the descriptor stays the
  /// caller's).
  /// `ledger`: the kernel does not count its bytes.
  std::optional<std::uint32_t> Open(sys::UniqueFd& fd, sys::Nanos now, bool ledger = false);
  /// Closes the parent's descriptor and makes the slot free. The caller has ended the connection as it should
  /// end.
  void Free(std::uint32_t slot);

  /// Takes an idle lease from its owner: after true, no worker can claim it any more.
  bool Take(std::uint32_t slot);
  /// The same for one that is offered in the middle of a request.
  bool TakeOffered(std::uint32_t slot);
  /// Gives a lease a new generation and `word`'s phase and steps; only for leases whose owner is dead.
  void Relend(std::uint32_t slot, LeaseWord word, Excuse excuse);

  void SetOwner(std::uint32_t slot, std::uint32_t worker);
  [[nodiscard]] std::uint32_t owner(std::uint32_t slot) const { return held_[slot].owner; }
  /// Its owner's message is in its owner's channel.
  void NoteSent(std::uint32_t slot) { held_[slot].sent = true; }
  [[nodiscard]] bool sent(std::uint32_t slot) const { return held_[slot].sent; }
  /// Since when it waits for a worker; the first time it is asked after it had one: `now`.
  sys::Nanos WaitsSince(std::uint32_t slot, sys::Nanos now);
  [[nodiscard]] int fd(std::uint32_t slot) const { return held_[slot].fd; }
  /// When the connection was accepted; only the first time it is asked, which is at its first hand-over. 0
  /// then.
  sys::Nanos TakeAcceptedAt(std::uint32_t slot) { return std::exchange(held_[slot].accepted_at, 0); }
  [[nodiscard]] std::uint32_t leases_of(std::uint32_t worker) const { return counts_[worker]; }
  [[nodiscard]] std::size_t open() const { return table_.size() - free_.size() - shut_; }
  /// No more than `most` are to be open; those that are stay.
  void Limit(std::size_t most) { most_ = most; }
  /// Of whom there are how many, as Open, Free and Adopt have it.
  [[nodiscard]] PeerLimit& peers() { return peers_; }
  [[nodiscard]] bool full() const { return free_.empty() || open() >= most_; }
  [[nodiscard]] bool is_open(std::uint32_t slot) const { return held_[slot].fd >= 0; }

  /// What a request has done to its workers so far. After a step completed since then the count starts again,
  /// unless it is known to be the same request's by its `process`: a number that no other request has, 0:
  /// none.
  struct Record {
    std::uint32_t strikes = 0;
    std::uint32_t rescues = 0;
    std::uint32_t steps = 0;
    std::uint64_t process = 0;
  };
  Record& record(std::uint32_t slot, std::uint32_t steps, std::uint64_t process = 0);
  /// The same for the rescue of a lease with this word, as it was before the rescue: one that the parent
  /// before has begun is counted once.
  Record& RecordForRescue(std::uint32_t slot, LeaseWord word, std::uint64_t process);
  /// Its word is what a rescue has left: nobody has answered anything on it since.
  [[nodiscard]] bool IsAsRescued(std::uint32_t slot, LeaseWord word) const;
  /// The parent is about to send a reply of its own, with `sent` bytes before it. What was noted so before;
  /// nullopt: nothing.
  std::optional<std::uint64_t> NoteFarewell(std::uint32_t slot, std::uint64_t sent);

  /// Slots of `worker`, as they are now.
  [[nodiscard]] std::vector<std::uint32_t> SlotsOf(std::uint32_t worker) const;
  /// All open slots.
  [[nodiscard]] std::vector<std::uint32_t> OpenSlots() const;

 private:
  struct Held {
    std::atomic<int> fd{-1};  // the last to be stored when it is opened and freed
    std::atomic<bool> freeing{false};
    std::atomic<bool> shut{false};
    bool sent = false;
    std::uint32_t owner = kNoWorker;
    std::uint64_t orphan = 0;    // the word whose rescue was begun last; 0: none
    std::uint64_t relent = 0;    // the word that Relend stored last, or is about to; 0: none
    std::uint64_t farewell = 0;  // 1 + NoteFarewell
    sys::Nanos accepted_at = 0;
    sys::Nanos waits_since = 0;
    Record record;
    Record before;  // `record` as the rescue of `orphan` found it
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
  std::size_t most_;
  std::size_t shut_ = 0;  // slots
};

}  // namespace hydrapool
