#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pool/parent/crew.h"
#include "pool/parent/leases.h"
#include "pool/parent/seats.h"
#include "pool/shared/pool_life.h"
#include "pool/shared/scoreboard.h"

namespace hydrapool {

/// What an operator asks of a pool that runs, and what it answers. In the parent's loop.
///
///     if (const auto refusal = steering.Drain(2)) Say(*refusal);
///
/// Each of the verbs returns at once: nullopt, it is under way; else one line that says why it is not.
/// The values are for the thread that runs the loop, and only until it goes on.
class Steering {
 public:
  using Refusal = std::optional<std::string>;

  /// One process that is a worker.
  struct Worker {
    std::size_t slot = 0;
    pid_t pid = 0;  ///< 0: the slot has none
    std::uint32_t incarnation = 0;
    WorkerState state = WorkerState::kDead;
    bool drained = false;  ///< the slot is to stay empty
    bool leaves = false;   ///< it has been replaced, or told to leave
    std::uint32_t leases = 0;
    std::uint32_t busy = 0;
    std::uint64_t requests = 0;  ///< answered by this process
    std::uint64_t memory = 0;    ///< of its own
    sys::Nanos age = 0;
    std::uint32_t program = 0;  ///< PoolLife::program that has made it
  };
  /// One open connection.
  struct Connection {
    std::uint32_t lease = 0;
    Phase phase = Phase::kIdle;
    std::optional<std::size_t> worker{};  ///< the slot; nullopt: it waits for one
    pid_t pid = 0;
    std::string peer{};
    std::uint32_t steps = 0;
    sys::Nanos executing = 0;  ///< how long its request has been in execution; 0: none is
  };

  Steering(Scoreboard& scoreboard, PoolLife& life, Seats& seats, Leases& leases, Crew& crew)
      : scoreboard_(scoreboard), life_(life), seats_(seats), leases_(leases), crew_(crew) {}

  /// The worker of each slot, by slot, empty slots too; then the workers that leave.
  [[nodiscard]] std::vector<Worker> Workers(sys::Nanos now) const;
  /// From the lease `from` on, at most `most`.
  [[nodiscard]] std::vector<Connection> ConnectionsFrom(std::uint32_t from, std::size_t most,
                                                        sys::Nanos now) const;
  [[nodiscard]] const Scoreboard& scoreboard() const { return scoreboard_; }
  [[nodiscard]] const PoolLife& life() const { return life_; }
  [[nodiscard]] bool IsDrained(std::size_t slot) const { return seats_.IsDrained(slot); }

  /// The slot's worker finishes what it has in hand, its idle connections go to others, and nobody takes its
  /// place until Recycle. Not the last one.
  [[nodiscard]] Refusal Drain(std::size_t slot) const;
  /// A new worker for the slot, at once; the one that it has leaves as by TERM.
  [[nodiscard]] Refusal Recycle(std::size_t slot) const;
  /// As many TTIN or TTOU as that takes.
  [[nodiscard]] Refusal Resize(std::size_t workers) const;
  /// HUP and USR2. Whether the program follows is known later: PoolLife::program or PoolLife::refused grows.
  [[nodiscard]] Refusal Reload() const;
  [[nodiscard]] Refusal Upgrade() const;

 private:
  [[nodiscard]] Refusal NoSuch(std::size_t slot) const;
  [[nodiscard]] Refusal Follow(int signal) const;
  [[nodiscard]] Worker Look(const WorkerHandle& worker, sys::Nanos now) const;
  void TellToLeave(std::size_t slot, const char* why) const;

  Scoreboard& scoreboard_;
  PoolLife& life_;
  Seats& seats_;
  Leases& leases_;
  Crew& crew_;
};

}  // namespace hydrapool
