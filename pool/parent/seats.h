#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pool/parent/worker_handle.h"
#include "pool/shared/respawn_policy.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/clock.h"
#include "pool/sys/shared_memory.h"

namespace hydrapool {

/// What is remembered of a seat beyond its worker's life; in shared memory.
struct SeatRecord {
  RespawnPolicy policy;
  sys::Nanos died_at = 0;  ///< the worker before; 0: it was replaced alive, or there was none
  sys::Nanos reaped_at = 0;
  sys::Nanos next_start = 0;  ///< no worker before that
  bool drained = false;       ///< no worker at all, until an operator has it filled
};

/// A pool's seats, one for each slot of the scoreboard, and the workers that sit in them or are leaving.
///
///     while (const auto seat = seats.Vacant(now)) Start(seats.Settle(*seat)) …
///     seats.Vacate(seat);  // its worker is leaving or dead
///
/// A seat holds at most one worker. A worker that leaves gives its seat up at once and keeps its handle until
/// it is reaped. There are handles for every seat and for kMostLeaving workers more (or as many as there are
/// seats, if that is more): a seat that finds none stays vacant until one of those that leave has ended.
class Seats {
 public:
  static constexpr std::size_t kMostLeaving = 16;

  /// `scoreboard` has lives for all handles; a lease table of `leases`.
  Seats(Scoreboard& scoreboard, std::size_t leases);

  /// In a new parent: takes over the workers of the parent before.
  void Adopt();

  void AppendNoted(std::vector<int>& descriptors) const;

  [[nodiscard]] std::size_t size() const { return present_.size(); }
  /// Of these so many are to have workers, the first ones.
  void Want(std::size_t workers) { wanted_ = workers; }
  [[nodiscard]] std::size_t wanted() const { return wanted_; }
  [[nodiscard]] SeatRecord& record(std::size_t seat) const { return records_[seat]; }
  /// It is to stay empty. Where all that are wanted are drained, none counts as drained.
  [[nodiscard]] bool IsDrained(std::size_t seat) const;
  /// The worker in a seat; nullptr: none.
  [[nodiscard]] WorkerHandle* present(std::size_t seat) const { return present_[seat]; }
  [[nodiscard]] bool IsPresent(const WorkerHandle& worker) const;
  /// By WorkerHandle::number.
  [[nodiscard]] WorkerHandle& handle(std::size_t number) const { return *handles_[number]; }
  /// The handles in use: each holds a worker, also one that leaves, or held it when last looked at.
  [[nodiscard]] std::span<WorkerHandle* const> in_use() const { return in_use_; }
  [[nodiscard]] WorkerHandle* WithPid(pid_t pid) const;

  /// A seat that may have a worker now and a handle to hold it; nullopt: none.
  [[nodiscard]] std::optional<std::size_t> Vacant(sys::Nanos now) const;
  /// When the next vacant seat may have one; nullopt: none waits for a time.
  [[nodiscard]] std::optional<sys::Nanos> NextStart() const;
  /// There is a handle for one worker more.
  [[nodiscard]] bool HasPlace() const { return !free_.empty(); }
  /// A free handle takes the seat.
  WorkerHandle& Settle(std::size_t seat);
  void Vacate(std::size_t seat) { present_[seat] = nullptr; }
  /// A handle that was closed may be used again.
  void Release(const WorkerHandle& worker);

 private:
  Scoreboard& scoreboard_;
  sys::SharedArray<SeatRecord> records_;
  std::vector<WorkerHandle*> present_;  // by seat
  std::vector<std::unique_ptr<WorkerHandle>>
      handles_;  // by number; all made before any parent, for the rings
  std::vector<WorkerHandle*> in_use_;
  std::vector<std::uint32_t> free_;
  std::size_t wanted_;
};

}  // namespace hydrapool
