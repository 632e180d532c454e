#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hydrapool/pool_options.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// What the parent knows of a worker when it chooses.
struct WorkerLoad {
  bool ready = false;           ///< alive, not draining, and with room in its channel
  std::uint32_t executing = 0;  ///< requests in hand, and messages that it has not taken yet
  std::uint32_t leases = 0;
};

/// Chooses who gets the next connection. Sees only its argument, so a test is a literal array.
/// nullopt: no worker can take it; it waits.
/// Fewest requests in execution, then fewest leases, then the next after `last`: workers that are as busy
/// take turns.
std::optional<std::size_t> LeastBusy(std::span<const WorkerLoad> workers, std::size_t last = SIZE_MAX);

/// The next ready one after `last` (the teaching code's way).
std::optional<std::size_t> RoundRobin(std::span<const WorkerLoad> workers, std::size_t last);

std::string_view BalanceName(Balance balance);

/// A policy with the one thing it must remember.
class Dispatcher {
 public:
  explicit Dispatcher(Balance balance) : balance_(balance) {}
  std::optional<std::size_t> Choose(std::span<const WorkerLoad> workers);

 private:
  Balance balance_;
  std::size_t last_ = SIZE_MAX;
};

/// Which idle leases should move so that no worker idles while others are full: `count` from `from` to `to`.
/// nullopt: the spread is not worth it (less than 2, or an eighth of the mean, with
/// which Jain's index of the leases is 0.996 at least).
struct Move {
  std::size_t from = 0;
  std::size_t to = 0;
  std::uint32_t count = 0;
};
std::optional<Move> EvenOut(std::span<const WorkerLoad> workers);

/// A request that is about to be executed, as its worker sees it.
struct RequestToExecute {
  Balance balance = Balance::kLeastBusy;
  std::uint32_t others = 0;         ///< that the worker has in hand besides
  bool interim_sent = false;        ///< in answer to what there is of it
  bool passed_on = false;           ///< it has come from another worker for this reason
  sys::Nanos parent_awake_for = 0;  ///< 0: the parent sleeps, and comes when it is called
};

/// Whether that worker may pass it on: each request once, and not by a parent that has been called and has
/// not come within 20 ms, for it may be stopped.
bool MayBePassedOn(const RequestToExecute& request);

/// Whether a request that is about to be executed should go to another worker, when its own has `others` in
/// hand besides and the least busy worker has `fewest`. One less is enough where they are few; where they
/// are many, an eighth.
bool BetterElsewhere(std::uint32_t others, std::uint32_t fewest);

}  // namespace hydrapool
