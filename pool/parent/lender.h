#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "pool/parent/leases.h"
#include "pool/parent/seats.h"
#include "pool/parent/waiting_leases.h"
#include "pool/shared/dispatcher.h"
#include "pool/shared/messages.h"
#include "pool/shared/scoreboard.h"

namespace hydrapool {

/// Whom a connection is lent to, from its first worker to its last.
///
///     lender.Lend(message);   // to the worker that the dispatcher chooses, or it waits for one
///     lender.FlushAll();      // before the parent sleeps: what was lent is sent, many to a packet
///     lender.Collect(worker); // what the worker gives back is freed, or lent again
///
/// A lease that was lent may be taken back for as long as its word says idle, also out of a worker's channel.
/// The parent's thread only.
class Lender {
 public:
  Lender(Leases& leases, Seats& seats, Scoreboard& scoreboard, Balance balance);

  void Lend(const ToWorker& message);
  /// An idle lease that was taken (Leases::TakeIdle).
  void LendIdle(std::uint32_t slot) { Lend(leases_.MessageFor(slot)); }
  /// Lends the leases that wait, as far as workers have room now.
  void LendWaiting();
  /// The slot of one that has waited since before `then`, and waits no more: its client is to be told.
  std::optional<std::uint32_t> TakeExpired(sys::Nanos then) { return waiting_.TakeExpired(then); }
  /// Since when the oldest of those waits; 0: none does.
  [[nodiscard]] sys::Nanos waiting_since() const { return waiting_.since(); }

  /// Takes what a worker has put into its ring.
  void Collect(WorkerHandle& worker);
  /// Takes all its idle leases from a worker that leaves, and lends them again.
  void TakeAllIdle(const WorkerHandle& worker);
  /// Idle leases move from the fullest worker to the emptiest; busy ones stay where they are.
  void EvenOut();

  /// Tells the worker that holds a lease that the process of its request has ended.
  void TellProcessEnded(std::uint32_t slot);
  /// Places for processes are free, perhaps: tells those who hold the leases whose turn it is then.
  void TellPlacesFree();
  /// Sends what was put for the workers, and publishes how many leases are where.
  void FlushAll();

 private:
  /// By seat, for the dispatcher: of those that have a worker, or have had one.
  [[nodiscard]] std::span<const WorkerLoad> Loads();
  bool TryLend(const ToWorker& message);
  void Wait(const ToWorker& message);
  void Put(WorkerHandle& worker, const ToWorker& message);
  void Flush(WorkerHandle& worker);
  void Account(const WorkerHandle& worker, const std::vector<ToWorker>& sent);

  Leases& leases_;
  Seats& seats_;
  Scoreboard& scoreboard_;
  Dispatcher dispatcher_;
  std::vector<WorkerLoad> loads_;
  WaitingLeases waiting_;
};

}  // namespace hydrapool
