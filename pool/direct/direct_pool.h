#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hydrapool/handler_adapter.h"
#include "hydrapool/pool_options.h"
#include "pool/direct/dispatch.h"
#include "pool/parent/coroner.h"
#include "pool/shared/death_journal.h"
#include "pool/shared/dispatcher.h"
#include "pool/shared/respawn_policy.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/child.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// A pool without leases, to be measured beside the one that has them (process_pool.h): its workers accept by
/// themselves, and what a worker holds ends with it.
///
///     DirectPool pool(options, Dispatch::kNotify, MakeHandlerType<Site>(make));
///     return pool.Serve(std::move(listeners));
///
/// - kNotify, the teaching code's way: the parent sees that connections wait, and tells workers, chosen as
///   PoolOptions::balance says, of as many as wait (an eventfd each); they accept.
/// - kExclusive: each worker watches the listeners by EPOLLEXCLUSIVE, and the kernel wakes one or a few.
///
/// A dead worker is reaped and replaced as RespawnPolicy says. Its connections are reset by the kernel, and
/// counted as lost: those with a request in hand as reading, the others as idle. A request that the handler
/// would answer later (Start) gets its AbandonedReply. Of PoolOptions it knows workers, balance,
/// max_connections (an equal share for each worker; past it they wait in the backlog), max_input and the
/// time-outs of connections and of the drain. No supervisor: the parent's death ends all.
///
/// TERM and QUIT drain (TERM within Timeouts::drain, a second one ends all at once), INT ends all now; what
/// waits in the backlog then is reset. Every other signal does nothing.
class DirectPool {
 public:
  /// `dispatch`: kNotify or kExclusive.
  DirectPool(const PoolOptions& options, Dispatch dispatch, HandlerType type);

  int Serve(std::vector<UniqueFd> listeners);
  [[nodiscard]] EventLoop& loop() { return loop_; }
  [[nodiscard]] const Scoreboard& scoreboard() const { return scoreboard_; }
  [[nodiscard]] const DeathJournal& deaths() const { return deaths_; }

 private:
  struct Seat {
    sys::Child child;
    sys::UniqueFd bell;
    RespawnPolicy policy;
    Nanos next_start = 0;
    Nanos reaped_at = 0;  // its last worker; 0: none
    bool welcomed = false;
  };
  void WatchListeners();
  void FillSeats();
  void Start(std::size_t seat);
  int Work(std::size_t seat);
  void Reap();
  void OnDeath(std::size_t seat, const sys::ExitStatus& status, Nanos died_at);
  void Notify();
  [[nodiscard]] std::uint64_t Outstanding() const;
  [[nodiscard]] std::vector<WorkerLoad> Loads() const;
  void OnSignal(int signal);
  void Drain(Nanos deadline);
  void Tick();
  [[nodiscard]] bool gone() const;
  [[nodiscard]] std::size_t share() const;

  const PoolOptions options_;
  const Dispatch dispatch_;
  const HandlerType type_;
  EventLoop loop_;
  Scoreboard scoreboard_;
  DeathJournal deaths_;
  Coroner coroner_;
  Dispatcher dispatcher_;
  std::vector<UniqueFd> listeners_;
  std::vector<EventLoop::Watch> watches_;
  std::vector<Seat> seats_;
  EventLoop::Timer tick_;
  Nanos deadline_ = 0;  // of the drain; 0: it serves
};

}  // namespace hydrapool
