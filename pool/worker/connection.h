#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pool/shared/lease_table.h"
#include "pool/shared/messages.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"
#include "pool/worker/handler.h"

namespace hydrapool {

class WorkerDesk;

/// The bytes of one step of an answer: `prefix` bytes of the slab, then `spliced` bytes of the process's
/// output, then `suffix` more bytes of the slab.
struct Transmission {
  std::uint32_t prefix = 0;
  std::uint32_t spliced = 0;
  std::uint32_t suffix = 0;
  std::uint32_t consume = 0;  ///< request bytes to consume when all of it is sent
  enum class Then { kMore, kDone, kDoneAndClose } then = Then::kDone;
  std::uint8_t kind = 0;  ///< as Reply::kind, counted at the end
  bool interim = false;   ///< no part of the answer (100 Continue)
};

/// A leased connection in a worker, as its handler and its request in execution see it.
///
/// The life of a request: the worker claims the lease, peeks, asks the handler; a Reply is sent and consumed
/// as one step. A Start makes an Execution, which answers in steps of its own: `Send` with Then::kMore as
/// often as it likes and `Send` or `Answer` once to end it. Each step is noted in shared memory before its
/// first byte moves, so that another worker can go on at the very byte (lease_table.h).
///
/// A process that answers a request is leased with it: Prepare() → Offer its ends to the parent → start it
/// through gate() → Send steps with `spliced` bytes → the end. From the gate on it runs whatever becomes of
/// this worker, and a worker that takes the request over gets the same ends and asks the handler to Resume.
///
/// Only for the worker's own thread. References to a Connection are valid until its Execution is destroyed.
class Connection {
 public:
  enum class Progress {
    kComplete,  ///< all of it is done
    kPending,   ///< it goes on by itself; OnStepDone will follow (unless the request is over by then)
    kGone,      ///< the connection is gone; the Execution will be destroyed when the loop comes round
  };

  Connection(WorkerDesk& desk, std::uint32_t slot, std::uint32_t generation, sys::UniqueFd fd);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // ---- for handlers
  [[nodiscard]] std::uint32_t slot() const { return slot_; }
  [[nodiscard]] WorkerContext& worker() const;
  [[nodiscard]] sys::EventLoop& loop() const;
  [[nodiscard]] std::string peer() const;
  /// The pool is shutting down, and nothing more has come than the `request` bytes at hand: the answer should
  /// be the last.
  [[nodiscard]] bool IsLast(std::uint64_t request) const;
  [[nodiscard]] std::string local() const;
  /// The handler's notes about the request: shared memory that a worker which takes over finds as it was
  /// left. Zeroed when the request is done.
  [[nodiscard]] std::span<std::byte> notes() const;
  /// Absolute, and the lease's: it stands when another worker takes over. Calls Execution::OnDeadline within
  /// a quarter of a second of it.
  void SetDeadline(sys::Nanos deadline) const;

  // ---- for executions
  /// Shared memory of LeaseTable::kSlab bytes for the bytes to send. Free to write when no step is pending.
  [[nodiscard]] std::span<char> slab() const;
  Progress Send(const Transmission& transmission);
  /// Ends the request with a whole answer held in memory; over 64 KiB, what is unsent dies with this worker.
  Progress Answer(Reply reply);
  /// Takes `discard` bytes off the request and moves the following `feed` bytes to the process's input. The
  /// process may close its input early: the rest is then taken and dropped.
  Progress Feed(std::uint32_t discard, std::uint32_t feed);
  /// Ends a pending Feed at the byte it has come to, so that something can be sent; returns how many bytes of
  /// the step's discard + feed have been taken.
  std::uint32_t PauseFeed();
  [[nodiscard]] bool feeding() const { return activity_ == Activity::kFeeding; }
  /// A step's bytes are still going out; the slab is not free.
  [[nodiscard]] bool sending() const { return activity_ == Activity::kSending; }
  /// From here on the request will not be run again: if this worker dies before its process runs, the client
  /// is owed the handler's abandoned reply. Then, and only then, request bytes may be taken away piece by
  /// piece:
  void BeginOnce();
  /// Looks at the bytes that wait, as recv(2) does; 0: the peer has finished or is gone; nullopt: none are
  /// there (Execution::OnReadable follows).
  [[nodiscard]] std::optional<std::size_t> Peek(std::span<char> into) const;
  /// Takes away bytes that Peek has shown.
  void Consume(std::uint32_t count);
  /// What the steps completed on this connection have sent and consumed in all.
  [[nodiscard]] std::uint64_t total_sent() const { return lease().NextBase(steps_).sent_base; }
  [[nodiscard]] std::uint64_t total_consumed() const { return lease().NextBase(steps_).consumed_base; }
  /// To be called with the answer that says so: the request ran, and what it would have answered died with a
  /// worker.
  void CountAbandoned() const;
  /// The loop's Add and At for an execution: what goes wrong in these calls is known to be this request's. An
  /// exception costs its connection, two crashes stop it.
  [[nodiscard]] sys::EventLoop::Watch Watch(int fd, std::uint32_t events, sys::EventLoop::Callback call);
  [[nodiscard]] sys::EventLoop::Timer At(sys::Nanos due, std::function<void()> call);
  /// Gives up: the client gets a reset, so that it cannot take a part for the whole. Counted as cut.
  void Abort();

  // ---- the request's process
  /// Sets the gate for a process that this worker is about to start.
  void Prepare();
  /// Gives the parent copies; an invalid descriptor leaves its end out. False: the parent cannot be told now.
  [[nodiscard]] bool Offer(sys::UniqueFd output, sys::UniqueFd input, sys::UniqueFd errors);
  /// In the started process, in memory shared with everyone, before its exec: may it run? Async-signal-safe.
  static bool PassGate(LeaseDetail& detail, pid_t preparer, pid_t self);
  static void ExecFailed(LeaseDetail& detail, int error);
  [[nodiscard]] LeaseDetail& detail() const;
  [[nodiscard]] ProcessWord process() const { return detail().LoadProcess(); }
  /// This worker's own descriptor of an end; -1: none (any more).
  [[nodiscard]] int end(ProcessEnd which) const { return ends_[static_cast<std::size_t>(which)].get(); }
  void CloseEnd(ProcessEnd which);
  /// The process and its group are to be ended (TERM, then KILL) when the request is over.
  void TerminateProcess() const { detail().terminate.store(true); }

  // ---- for the worker
  [[nodiscard]] std::uint32_t generation() const { return generation_; }
  /// Takes up a lease that was just received, in whatever phase it is.
  void TakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends);
  void OnTick(sys::Nanos now);
  void OnProcessEnd();
  /// Nothing is in hand here: another worker can take it.
  [[nodiscard]] bool idle() const { return activity_ == Activity::kIdle; }
  /// Lets go of the worker's copy; the lease stays as it is.
  void Leave();

 private:
  enum class Activity { kIdle, kReading, kSending, kFeeding, kExecuting, kLingering, kGone };
  enum class Round { kAgain, kWait };

  void OnEvents(std::uint32_t events);
  /// Runs what calls the handler: an exception costs its connection, not its worker; a crash is known to be
  /// this request's.
  template <typename F>
  void Guarded(F&& call);
  void DoEvents(std::uint32_t events);
  void DoTakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends);
  void DoTick(sys::Nanos now);
  bool Claim();
  void Serve();
  Round ServeOnce();
  Round ServeBatch(std::string_view peeked, bool all_seen);
  Round WaitForMore(bool has_bytes);
  Round Begin(Start start);
  Round Owe(Verdict verdict);
  Round SendReply(Reply reply, bool all_seen);
  Round AfterStep();
  void Rest();

  // connection_step.cc: one step, from its note to its commit
  void NoteStep(Phase during, const LeaseStep& length, StepEnd end, std::uint32_t splice_at,
                std::uint32_t spliced = 0);
  Progress SendWhole(Reply reply);
  Progress ContinueSending();
  [[nodiscard]] bool SendPiece();
  Progress ContinueFeeding();
  [[nodiscard]] bool FeedPiece();
  Progress Pend(Activity activity);
  void Commit();
  Progress Conclude(Progress progress);

  void BeginClosing();
  void Linger();
  void Close();
  void SettleSoon();
  void Settle();
  void EndRequest();
  void SetBusy(bool busy);
  [[nodiscard]] Lease& lease() const;
  [[nodiscard]] LeaseStep& step() const;
  [[nodiscard]] StepEnd& step_end() const;

  WorkerDesk& desk_;
  const std::uint32_t slot_;
  const std::uint32_t generation_;
  sys::UniqueFd fd_;
  sys::EventLoop::Watch watch_;
  Activity activity_ = Activity::kIdle;
  std::uint32_t steps_ = 0;
  bool busy_ = false;
  bool peer_finished_ = false;
  bool linger_ = true;  ///< the peer may still send something, which must not reset the connection
  sys::Nanos busy_since_ = 0;
  sys::Nanos since_ = 0;  ///< when the request in hand was first looked at, or the last one answered

  // the step in progress
  std::uint32_t sent_ = 0;
  std::uint32_t consumed_ = 0;
  std::string own_bytes_;  ///< what is being sent where it is not in the slab
  Phase arrived_ =
      Phase::kIdle;  ///< where the last step led; after an idle commit the word is no longer ours to read

  // the request in execution
  std::unique_ptr<Execution> execution_;
  std::array<sys::UniqueFd, kProcessEnds> ends_;
  sys::EventLoop::Watch input_watch_;
  sys::EventLoop::Timer settle_;
  bool offered_ = false;
  bool once_ = false;
  bool roomy_ = false;  ///< half a request had to be made room behind
};

}  // namespace hydrapool
