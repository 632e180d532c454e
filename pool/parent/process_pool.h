#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "pool/shared/dispatcher.h"
#include "pool/shared/fate_journal.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/socket.h"
#include "pool/sys/unique_fd.h"
#include "pool/worker/connection.h"
#include "pool/worker/handler.h"
#include "pool/worker/worker.h"

namespace hydrapool {

struct PoolOptions {
  std::size_t workers = 0;  ///< 0: as many as there are cores, at least 2
  Balance balance = Balance::kLeastBusy;
  std::size_t max_connections = 0;  ///< 0: as many as the limit of open files allows, at most 16384
  Timeouts timeouts = {};
  bool core_dumps = false;  ///< a core dump delays a death, and with it the rescue, by half a second
};

/// The parent of a pool: accepts, leases, reaps, rescues, respawns. Use it through ProcessPool.
class Pool {
 public:
  Pool(const PoolOptions& options, HandlerType type);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int Serve(std::vector<sys::UniqueFd> listeners);
  void Stop() const;
  [[nodiscard]] const Scoreboard& scoreboard() const;
  [[nodiscard]] const FateJournal& fates() const;
  [[nodiscard]] sys::EventLoop& loop() const;

 private:
  class Parent;
  std::unique_ptr<Parent> parent_;
};

/// A pre-fork pool of worker processes that answer connections with a Handler.
///
///     struct Shout { ... };                                   // handler.h
///     int main() { return hydrapool::ProcessPool<Shout>({.workers =
///     4}).Serve(sys::Listen("127.0.0.1:8080")); }
///
/// The parent keeps a descriptor of every connection and leases a second one to a worker; the kernel keeps
/// the bytes until the answer has gone out. So a worker may die at any instruction and its clients do not
/// notice: what it had not begun is done by another, what it had begun to send goes on at the very byte.
///
/// Promised: a request gets exactly one whole answer, whenever workers are killed; an answer that cannot be
/// finished ends in a reset, counted as cut; a request that must not run twice (Start, Connection::BeginOnce)
/// does not. Not promised: that a Reply is computed only once; an answer over 64 KiB held in a worker's
/// memory is cut when that worker dies while it is on its way; the parent's own death ends everything.
///
/// Signals: TERM and QUIT finish what is in hand and return (TERM within Timeouts::drain, a second one at
/// once); INT returns now. Faults, limits and job control do what they always do; every other signal does
/// nothing, to the parent and to a worker (sys::IgnoreStraySignals). Serve owns the process's signals while
/// it runs and must not be called with threads running: fork would copy their locks, locked
/// (std::logic_error). Errors: std::system_error for what the system refuses at the start; afterwards nothing
/// is thrown.
template <Handler H>
class ProcessPool {
 public:
  /// Each worker makes its handler as H(context).
  explicit ProcessPool(const PoolOptions& options = {}) requires std::constructible_from<H, WorkerContext&>
      : ProcessPool(options, [](WorkerContext& context) { return H(context); }) {}
  /// Each worker makes its handler as make(context), after the fork.
  template <typename Make>
  ProcessPool(const PoolOptions& options, Make make) : pool_(options, TypeOf<H>(std::move(make))) {}

  /// Serves until told to stop; returns the exit code, 0 after an orderly end.
  int Serve(sys::UniqueFd listener) {
    std::vector<sys::UniqueFd> listeners;
    listeners.push_back(std::move(listener));
    return Serve(std::move(listeners));
  }
  int Serve(std::vector<sys::UniqueFd> listeners) { return pool_.Serve(std::move(listeners)); }

  /// Asks Serve to drain and return, as TERM to its process does. Async-signal-safe, also from a worker.
  void Stop() const { pool_.Stop(); }

  [[nodiscard]] const Scoreboard& scoreboard() const { return pool_.scoreboard(); }
  /// What became of the connections that dead workers left; to be read on the parent's loop.
  [[nodiscard]] const FateJournal& fates() const { return pool_.fates(); }
  /// The parent's loop, for what else it should do (it must never block): the admin endpoint lives there.
  [[nodiscard]] sys::EventLoop& loop() const { return pool_.loop(); }

 private:
  Pool pool_;
};

}  // namespace hydrapool
