#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "hydrapool/connection.h"
#include "hydrapool/handler.h"
#include "hydrapool/handler_adapter.h"
#include "hydrapool/listen.h"
#include "hydrapool/pool_options.h"

namespace hydrapool {

/// The pool without its handler's type; what it can tell is in pool/parent/pool.h.
class Pool {
 public:
  Pool(const PoolOptions& options, HandlerType type);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int Serve(std::vector<UniqueFd> listeners);
  void Stop() const;
  [[nodiscard]] EventLoop& loop() const;

  class Parent;
  [[nodiscard]] Parent& parent() const { return *parent_; }

 private:
  std::unique_ptr<Parent> parent_;
};

/// A pre-fork pool of worker processes that answer connections with a Handler.
///
///     struct Shout { ... };                                   // handler_adapter.h says what a handler is
///     int main() { return hydrapool::ProcessPool<Shout>({.workers = 4}).Serve(hydrapool::Listen(":8080")); }
///
/// The parent keeps a descriptor of every connection and leases a second one to a worker; the kernel keeps
/// the bytes until the answer has gone out. So a worker may die at any instruction and its clients do not
/// notice: what it had not begun is done by another, what it had begun to send goes on at the very byte.
///
/// Promised: a request gets exactly one whole answer, whenever workers are killed; an answer that cannot be
/// finished ends in a reset, counted as cut; a request that must not run twice (Start, Exchange::BeginOnce)
/// does not. Not promised: that a Reply is computed only once; an answer over 64 KiB held in a worker's
/// memory is cut when that worker dies while it is on its way; the parent's own death ends everything, unless
/// PoolOptions::supervised.
///
/// Signals: TERM and QUIT finish what is in hand and return (TERM within Timeouts::drain, a second one at
/// once); INT returns now. HUP and USR2: see PoolOptions::program. TTIN and TTOU, where there is a
/// supervisor: a worker more, or one less. Faults, limits and job control do what they always do; every other
/// signal does nothing, to the parent and to a worker (sys::IgnoreStraySignals). Serve owns the process's
/// signals while it runs and must not be called with threads running: fork would copy their locks, locked
/// (std::logic_error). Errors: std::system_error for what the system refuses at the start; afterwards nothing
/// is thrown.
template <typename H>
class ProcessPool {
 public:
  /// Each worker makes its handler as H(context).
  explicit ProcessPool(const PoolOptions& options = {}) : pool_(options, MakeHandlerType<H>()) {}
  /// Each worker makes its handler as make(context), after the fork.
  template <typename Make>
  ProcessPool(const PoolOptions& options, Make make) : pool_(options, MakeHandlerType<H>(std::move(make))) {}

  /// Serves until told to stop; returns the exit code, 0 after an orderly end.
  int Serve(UniqueFd listener) {
    std::vector<UniqueFd> listeners;
    listeners.push_back(std::move(listener));
    return Serve(std::move(listeners));
  }
  int Serve(std::vector<UniqueFd> listeners) { return pool_.Serve(std::move(listeners)); }

  /// Asks Serve to drain and return, as TERM to its process does. Async-signal-safe, also from a worker.
  void Stop() const { pool_.Stop(); }

  /// The parent's loop, for what else it should do. It must never block.
  [[nodiscard]] EventLoop& loop() const { return pool_.loop(); }
  [[nodiscard]] const Pool& pool() const { return pool_; }

 private:
  Pool pool_;
};

}  // namespace hydrapool
