#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "hydrapool/event_loop.h"
#include "hydrapool/handler.h"

namespace hydrapool {

/// What a handler is told about the worker it lives in. One handler for each worker, built after the fork.
struct WorkerContext {
  std::size_t slot = 0;           ///< keeps its number over all its lives
  std::uint32_t incarnation = 0;  ///< which life this is, from 1
  /// The worker's loop: timers and descriptors of the handler's own. It must never block.
  EventLoop& loop;
  struct WorkerInternals& internals;  ///< for the pool's own handlers

  /// The pool is shutting down: answer what comes, and close after it.
  [[nodiscard]] bool pool_drains() const;
};

/// One client's connection, as its handler sees it. Only for the worker's own thread, and only during the
/// call that it is passed to; an Execution may keep it until it is destroyed.
class Connection {
 public:
  /// Bytes that notes of either kind may have.
  static constexpr std::size_t kNotes = 192;
  static constexpr std::size_t kConnectionNotes = 64;

  /// Of the lease: no two open connections have the same.
  [[nodiscard]] virtual std::uint32_t slot() const = 0;
  [[nodiscard]] virtual WorkerContext& worker() const = 0;
  [[nodiscard]] virtual std::string peer() const = 0;  ///< HOST:PORT; "unix:" where there is no address
  [[nodiscard]] virtual std::string local() const = 0;
  /// What the completed steps of this connection have sent in all.
  [[nodiscard]] virtual std::uint64_t total_sent() const = 0;
  /// How many bytes of the connection came before the request in hand.
  [[nodiscard]] virtual std::uint64_t request_begin() const = 0;
  /// The answer should be the last: the connection has had as many requests as it may, or the pool is
  /// shutting down and nothing more has come than the `request` bytes at hand.
  [[nodiscard]] virtual bool IsLast(std::uint64_t request) const = 0;

  /// The handler's notes about the request in hand: shared memory that another worker finds as it was left.
  /// Zeroes when a request begins, not when it is run again.
  template <typename T>
  [[nodiscard]] T& notes() const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kNotes,
                  "notes are plain data of at most kNotes bytes");
    return *reinterpret_cast<T*>(NoteBytes().data());
  }
  /// The same for the connection: kept over its requests and over the deaths of its workers.
  template <typename T>
  [[nodiscard]] T& connection_notes() const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kConnectionNotes,
                  "connection notes are plain data of at most kConnectionNotes bytes");
    return *reinterpret_cast<T*>(ConnectionNoteBytes().data());
  }

  /// Shared memory for what is to be said of the request in hand (pool/worker/answer_watcher.h).
  [[nodiscard]] virtual class Docket docket() const = 0;

 protected:
  ~Connection() = default;
  [[nodiscard]] virtual std::span<std::byte> NoteBytes() const = 0;
  [[nodiscard]] virtual std::span<std::byte> ConnectionNoteBytes() const = 0;
};

/// The bytes of one step of an answer: `prefix` bytes of the exchange's buffer, then `spliced` bytes of the
/// process's output or of the request's file, then `suffix` more bytes of the buffer.
struct Transmission {
  std::uint32_t prefix = 0;
  std::uint32_t spliced = 0;
  std::uint32_t suffix = 0;
  std::uint32_t consume = 0;  ///< request bytes to consume when all of it is sent
  enum class Then : std::uint8_t { kMore, kDone, kDoneAndClose } then = Then::kDone;
  std::uint8_t kind = 0;      ///< as Reply::kind, counted at the end
  bool interim = false;       ///< no part of the answer (100 Continue)
  bool from_file = false;     ///< spliced: of the file that the process holds (RequestProcess::HoldBody)
  std::uint64_t file_at = 0;  ///< and from there on
};

class RequestProcess;

/// A request and its answer, as the request's Execution sees them.
///
/// An answer is sent in steps: `Send` with Then::kMore as often as it likes, and one `Send` or `Answer` that
/// ends it. Each step is noted in shared memory before its first byte moves, so that another worker can go on
/// at the very byte. Valid until the Execution is destroyed; only for the worker's own thread.
class Exchange {
 public:
  enum class Progress : std::uint8_t {
    kComplete,  ///< all of it is done
    kPending,   ///< it goes on by itself; OnStepDone follows, unless the request is over by then
    kGone,      ///< the connection is gone; the Execution is destroyed when the loop comes round
  };

  [[nodiscard]] virtual Connection& connection() const = 0;
  /// Shared memory for the bytes to send. Free to write when no step is pending.
  [[nodiscard]] virtual std::span<char> buffer() const = 0;
  virtual Progress Send(const Transmission& transmission) = 0;
  /// Ends the request with a whole answer held in memory. What exceeds the buffer and is unsent dies with
  /// this worker.
  virtual Progress Answer(Reply reply) = 0;
  /// A step's bytes are still going out; the buffer is not free.
  [[nodiscard]] virtual bool sending() const = 0;
  /// From here on the request will not be run again: if this worker dies, the client gets the handler's
  /// AbandonedReply. Then, and only then, Peek and Consume take the request away piece by piece.
  virtual void BeginOnce() = 0;
  /// Looks at the bytes that wait, as recv(2) does; 0: the client has finished or is gone; nullopt: none are
  /// there (Execution::OnReadable follows).
  [[nodiscard]] virtual std::optional<std::size_t> Peek(std::span<char> into) const = 0;
  /// Takes away bytes that Peek has shown.
  virtual void Consume(std::uint32_t count) = 0;
  /// What the completed steps of this connection have sent and consumed in all.
  [[nodiscard]] virtual std::uint64_t total_sent() const = 0;
  [[nodiscard]] virtual std::uint64_t total_consumed() const = 0;
  /// Absolute; it stands when another worker takes over. Execution::OnDeadline is called within a quarter of
  /// a second of it. 0: none.
  virtual void SetDeadline(Nanos deadline) = 0;
  /// The loop's Add and At for an execution; nothing is called once the connection is gone. An exception out
  /// of the call costs its connection, two crashes in it stop the request.
  [[nodiscard]] virtual EventLoop::Watch Watch(int fd, std::uint32_t events, EventLoop::Callback call) = 0;
  [[nodiscard]] virtual EventLoop::Timer At(Nanos due, std::function<void()> call) = 0;
  /// Another execution takes this one's place. This one is destroyed when the call that it is in has
  /// returned.
  virtual void Become(std::unique_ptr<Execution> next) = 0;
  /// Gives up: the client gets a reset, so that it cannot take a part for the whole. Counted as cut.
  virtual void Abort() = 0;
  /// The process that answers the request, leased with it (pool/worker/request_process.h).
  [[nodiscard]] virtual RequestProcess& process() const = 0;

 protected:
  ~Exchange() = default;
};

}  // namespace hydrapool
