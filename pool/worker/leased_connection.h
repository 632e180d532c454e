#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hydrapool/connection.h"
#include "pool/shared/messages.h"
#include "pool/shared/step_machine.h"
#include "pool/worker/answer_watcher.h"
#include "pool/worker/leased_process.h"
#include "pool/worker/request_exchange.h"
#include "pool/worker/socket_io.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool {

/// The lease of a connection in the hands of a worker: its descriptor, its shared record, the machine that
/// carries it from step to step, and what this worker knows of the request.
struct LeaseInHand {
  LeaseInHand(WorkerDesk& desk, std::uint32_t slot_of, std::uint32_t generation_of, sys::UniqueFd socket,
              RequestProcess& process, StepWatcher& watcher);

  const std::uint32_t slot;
  const std::uint32_t generation;
  sys::UniqueFd fd;
  Lease& lease;
  LeaseDetail& detail;
  const std::span<char> slab;
  SocketIo io;
  StepMachine<SocketIo> machine;
  bool peer_finished = false;  ///< its client sends no more
  std::uint64_t request = 0;   ///< in hand: the number of its first byte, from 1; 0: none yet
  Nanos since = 0;             ///< when it was first looked at, or the last one answered
  std::uint32_t batched = 0;   ///< requests that the step at hand answers together
  std::uint8_t part = 0;  ///< of the request in hand; `detail` may be another worker's once the lease is idle

  /// Something of the request in hand has been taken away already.
  [[nodiscard]] bool request_taken() const { return machine.total_consumed() + 1 != request; }
  /// Before the request's first step.
  void SetPart(std::uint8_t of_request) {
    part = of_request;
    detail.part.store(part, std::memory_order_relaxed);
  }
};

class LeasedConnection;

/// Closes the docket of a request when its last step is through.
class AnswerEnd final : public StepWatcher {
 public:
  explicit AnswerEnd(LeasedConnection& connection) : connection_(connection) {}
  void OnThrough() override;

 private:
  LeasedConnection& connection_;
};

/// A leased connection in a worker, from the moment it is taken up to its end.
///
///   idle → reading → sending → idle … → lingering → gone
///             └→ executing (⇄ sending, feeding)
///
/// Reading: it peeks and asks the handler. A Reply is sent and consumed as one step; a Start begins an
/// execution, which answers through the RequestExchange. What takes long is done in turns: after kRounds
/// batches, or a megabyte of one step, the worker's other connections come first.
///
/// Only for the worker's own thread. Between requests the lease may be taken away at any time.
class LeasedConnection final : public Connection {
 public:
  enum class Activity : std::uint8_t { kIdle, kReading, kSending, kFeeding, kExecuting, kLingering, kGone };

  LeasedConnection(WorkerDesk& desk, std::uint32_t slot, std::uint32_t generation, sys::UniqueFd fd);
  ~LeasedConnection();

  // For the worker.
  /// Takes up a lease that was just received, in whatever phase it is.
  void TakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends);
  void OnTick(Nanos now);
  void OnProcessEnd();
  /// Nothing is in hand here: another worker can take it.
  [[nodiscard]] bool idle() const { return activity_ == Activity::kIdle; }
  /// Lets go of the worker's copy; the lease stays as it is.
  void Leave();

  // For the request in execution.
  [[nodiscard]] LeaseInHand& hand() { return hand_; }
  [[nodiscard]] WorkerDesk& desk() const { return desk_; }
  [[nodiscard]] Activity activity() const { return activity_; }
  void SetActivity(Activity activity) { activity_ = activity; }
  /// Carries on the step that the machine has noted, and waits as it must.
  Exchange::Progress CarryOn();
  Exchange::Progress CarryOnFeeding();
  /// Runs what calls a handler: an exception costs its connection, not its worker; a crash is known to be
  /// this request's.
  template <typename Call>
  void Guard(Call&& call);
  /// The request has ended in a call of its own execution: the rest follows when that has returned.
  void SettleSoon();
  void OnEvents(std::uint32_t events);
  void Abort();
  /// A mistake of the handler: said in the log, and the connection is reset.
  void Misuse(std::string_view what);
  // connection_docket.cc: who watches the answers is told
  void TellAnswering(std::string_view first_bytes);
  /// The last step of a request is through.
  void OnThrough();

 private:
  // Connection
  [[nodiscard]] std::uint32_t slot() const override { return hand_.slot; }
  [[nodiscard]] WorkerContext& worker() const override { return desk_.context; }
  [[nodiscard]] std::string peer() const override;
  [[nodiscard]] std::string local() const override;
  [[nodiscard]] std::uint64_t total_sent() const override { return hand_.machine.total_sent(); }
  [[nodiscard]] std::uint64_t request_begin() const override {
    return hand_.request == 0 ? 0 : hand_.request - 1;
  }
  [[nodiscard]] bool IsLast(std::uint64_t request) const override;
  [[nodiscard]] std::span<std::byte> NoteBytes() const override {
    TakeNotes();
    return hand_.detail.handler;
  }
  [[nodiscard]] std::span<std::byte> ConnectionNoteBytes() const override { return hand_.detail.connection; }
  [[nodiscard]] Docket docket() const override;
  /// Of this request, or the one before.
  [[nodiscard]] bool HasDocket() const { return hand_.detail.docket_of.load(std::memory_order_relaxed) != 0; }

  using Machine = StepMachine<SocketIo>;
  /// How often in a row the same bytes of a request got an interim reply.
  struct Interims {
    std::uint64_t input_end = 0;
    int count = 0;
  };
  enum class Next : std::uint8_t { kAgain, kWait };

  // connection_take_over.cc
  void TakeOver(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends, LeaseWord word);
  /// The notes are those of the request in hand: zeroes, if they were another's.
  void TakeNotes() const;
  [[nodiscard]] bool UsesNotes() const {
    return hand_.detail.notes_of.load(std::memory_order_relaxed) == hand_.request;
  }

  // leased_connection.cc: from taking up to the answer
  void DoTakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends);
  Next Greet();
  void DoEvents(std::uint32_t events);
  bool Claim();
  void Serve();
  Next ServeBatch();
  Next AnswerBatch(std::string_view peeked, bool all_seen);
  std::optional<Decision> Ask(std::string_view peeked, std::size_t consumed, bool first);
  Next Begin(std::string_view input);
  /// Answers one request by a step of its own, if the reply is not at fault.
  Next SendAlone(Reply reply, std::size_t input);
  Next SendReply(Reply reply);
  Exchange::Progress WaitIn(Activity activity, Machine::Progress progress);
  Next AfterStep();
  Next Owe(Excuse excuse);

  // connection_pass_on.cc: a request that another worker should execute
  [[nodiscard]] bool passed_on() const {
    return hand_.detail.passed_on.load(std::memory_order_relaxed) == hand_.request;
  }
  [[nodiscard]] bool BetterElsewhere() const;
  Next PassOn();
  void TellPassedOn();

  // connection_rest.cc: between requests, out of time, at the end
  Next WaitForMore(bool has_bytes);
  void Rest();
  void TakeTurn();
  void Watch();
  void GiveBack();
  void EndRequest();
  void ForgetRequest();
  void BeginClosing();
  void Close();
  void Linger();
  void DoTick(Nanos now);
  void TrimSlab(Nanos now);
  void OnIdleDeadline();
  void OnDeadline();
  void OnFailure(const char* what);
  void TellClose();
  /// The request is over: who watches the answers is told so, once.
  void CloseDocket(bool cut);
  void CountRequests();
  /// A place for its program, or its turn to have one, is another's.
  void GiveUpTurn();
  void SetBusy(bool busy);
  void CountStep();
  void SetDeadline(Nanos deadline) { hand_.detail.deadline.store(deadline, std::memory_order_relaxed); }

  WorkerDesk& desk_;
  // What each request needs lies together: many connections do not fit into the cache of a core.
  Activity activity_ = Activity::kIdle;
  bool linger_ = true;  ///< the client may still send something, which must not reset the connection
  bool roomy_ = false;  ///< half a request had to be made room behind
  std::optional<Nanos> busy_since_;
  Interims interims_;
  EventLoop::Timer settle_;
  LeaseInHand hand_;
  AnswerEnd answer_end_;
  LeasedProcess process_;
  RequestExchange exchange_;
  EventLoop::Watch watch_;
  EventLoop::Timer turn_;  ///< its next turn, when it had moved enough in one
};

template <typename Call>
void LeasedConnection::Guard(Call&& call) {
  desk_.life.current.store(hand_.slot + 1, std::memory_order_relaxed);
  try {
    call();
  } catch (const std::exception& error) {
    OnFailure(error.what());
  } catch (...) {
    OnFailure("an exception of no known kind");
  }
  desk_.life.current.store(0, std::memory_order_relaxed);
}

}  // namespace hydrapool
