#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "pool/shared/lease_table.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/event_loop.h"

namespace hydrapool {

class Connection;

/// What a handler is told about the worker it lives in; one handler for each worker, built after the fork.
struct WorkerContext {
  std::size_t slot = 0;           ///< keeps its number over all its lives
  std::uint32_t incarnation = 0;  ///< which life this is, from 1
  pid_t parent = 0;
  sys::EventLoop& loop;
  WorkerSlot& board;
  const PoolCounts& counts;
  const Doorbell& bell;
  /// How many processes may be started for requests, over the whole pool, and how many bodies held in files
  /// by each worker: more could leave no descriptor for a connection.
  std::size_t most_processes = 0;

  /// The pool is shutting down: answer what comes, and close after it.
  [[nodiscard]] bool pool_drains() const { return bell.pool_drains.load(std::memory_order_relaxed) != 0; }
};

/// A request is not complete yet; the connection waits for more bytes.
struct NeedMore {};

/// The whole answer to the request at the beginning of the peeked bytes. It may be computed again if its
/// worker dies before a byte of it has left; so a handler with side effects answers by Start.
struct Reply {
  std::size_t consume = 0;  ///< how many of the peeked bytes were the request
  std::string bytes = {};
  bool keep_open = true;
  bool linger = true;  ///< when closing: the peer may still be sending; false where it said that it is done
  std::uint8_t kind = 0;  ///< counted by kind (scoreboard.h, kReplyClasses); HTTP: the status' first digit
  bool interim = false;   ///< not the answer yet (100 Continue): the same request is looked at again
};

/// A request in execution in a worker that answers later, through its Connection, on the worker's loop.
/// Destroyed when its answer is complete or its connection is gone; then the process that the connection
/// knows of is let go. The calls come from the loop, never from within a call to Connection.
/// What it awaits by itself it awaits through Connection::Watch and At: a crash in a call of the bare loop is
/// blamed on every request in execution there that no process answers.
class Execution {
 public:
  virtual ~Execution() = default;
  /// A step that could not be completed at once (Connection::Progress::kPending) is complete.
  virtual void OnStepDone() = 0;
  /// More of the request has come; only after Connection::BeginOnce.
  virtual void OnReadable() {}
  /// The request's process has ended and was reaped: see Connection::process().
  virtual void OnProcessEnd() {}
  /// The deadline that the connection was given has passed. The request is not over by that: answer or Abort.
  virtual void OnDeadline() = 0;
};

using Begun = std::variant<Reply, std::unique_ptr<Execution>>;

/// The request is complete and is to be started. `begin` is called once everything before it is answered,
/// while the peeked bytes that OnInput saw are still in place; the request's bytes stay unconsumed until a
/// step consumes them.
struct Start {
  std::function<Begun(Connection&)> begin;
};

using Step = std::variant<NeedMore, Reply, Start>;

/// What a user writes. OnInput sees all bytes that wait on a connection, beginning with a request's first,
/// and says what to do with that request; it is asked again for the next. It is called again with the same
/// bytes whenever more have come, and in another worker if this one dies. An exception out of it costs its
/// connection, not its worker. Optional: `static std::string AbandonedReply(Verdict)` in place of
/// AbandonedReply(), and `std::unique_ptr<Execution> Resume(Connection&)`, which takes over a request whose
/// process outlived its worker.
// clang-format off
template <typename T>
concept Handler =
    requires(T handler, Connection& connection, std::string_view peeked) {
      { handler.OnInput(connection, peeked) } -> std::convertible_to<Step>;
    } &&
    (requires { { T::AbandonedReply() } -> std::convertible_to<std::string>; } ||
     requires(Verdict verdict) { { T::AbandonedReply(verdict) } -> std::convertible_to<std::string>; });
// clang-format on

/// A Handler behind one type, so that everything but a few lines is compiled once.
class AnyHandler {
 public:
  virtual ~AnyHandler() = default;
  virtual Step OnInput(Connection& connection, std::string_view peeked) = 0;
  virtual std::unique_ptr<Execution> Resume(Connection& connection) = 0;
};

struct HandlerType {
  std::function<std::unique_ptr<AnyHandler>(WorkerContext&)> make;
  std::string (*abandoned_reply)(Verdict);
};

template <Handler H>
std::string AbandonedReplyOf(Verdict verdict) {
  if constexpr (requires { H::AbandonedReply(verdict); }) {
    return H::AbandonedReply(verdict);
  } else {
    return H::AbandonedReply();
  }
}

template <Handler H>
class HandlerAdapter final : public AnyHandler {
 public:
  template <typename Make>
  HandlerAdapter(const Make& make, WorkerContext& context) : handler_(make(context)) {}
  Step OnInput(Connection& connection, std::string_view peeked) override {
    return handler_.OnInput(connection, peeked);
  }
  std::unique_ptr<Execution> Resume(Connection& connection) override {
    if constexpr (requires {
                    { handler_.Resume(connection) } -> std::convertible_to<std::unique_ptr<Execution>>;
                  }) {
      return handler_.Resume(connection);
    } else {
      return nullptr;
    }
  }

 private:
  H handler_;
};

template <Handler H, typename Make>
HandlerType TypeOf(Make make) {
  return {[make](WorkerContext& context) { return std::make_unique<HandlerAdapter<H>>(make, context); },
          &AbandonedReplyOf<H>};
}

}  // namespace hydrapool
