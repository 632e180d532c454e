#include "pool/worker/leased_connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"

namespace hydrapool {
namespace {

constexpr int kRounds = 2;  // batches in one turn

}  // namespace

using Progress = Exchange::Progress;
using Machine = StepMachine<SocketIo>;

LeaseInHand::LeaseInHand(WorkerDesk& desk, std::uint32_t slot_of, std::uint32_t generation_of,
                         sys::UniqueFd socket, RequestProcess& process)
    : slot(slot_of),
      generation(generation_of),
      fd(std::move(socket)),
      lease(desk.leases.lease(slot)),
      detail(desk.leases.detail(slot)),
      slab(desk.leases.slab(slot)),
      io(fd.get(), process),
      machine(lease, detail, generation, io, desk.timeouts.write) {}

LeasedConnection::LeasedConnection(WorkerDesk& desk, std::uint32_t slot, std::uint32_t generation,
                                   sys::UniqueFd fd)
    : desk_(desk),
      process_(*this),
      hand_(desk, slot, generation, std::move(fd), process_),
      exchange_(*this) {}

LeasedConnection::~LeasedConnection() {
  exchange_.End();
  watch_.Reset();
  process_.StopWatching();
}

std::string LeasedConnection::peer() const { return sys::PeerAddress(hand_.fd.get()); }
std::string LeasedConnection::local() const { return sys::LocalAddress(hand_.fd.get()); }
bool LeasedConnection::IsLast(std::uint64_t request) const {
  return worker().pool_drains() && sys::BytesWaiting(hand_.fd.get()) <= request;
}

void LeasedConnection::OnFailure(const char* what) {
  sys::log::Error("{}: the handler failed: {}", peer(), what);
  process_.Terminate();
  Close();
}

void LeasedConnection::TakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends) {
  Guard([&] { DoTakeUp(message, std::move(ends)); });
}

void LeasedConnection::DoTakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends) {
  const LeaseWord word = hand_.lease.Load();
  if (word.generation != hand_.generation) return Leave();
  if (word.phase == Phase::kIdle) {
    Serve();
    return DoTick(Now());  // a deadline may have passed, and the next worker may die before its sweep too
  }
  SetBusy(true);
  hand_.machine.Resume(message.step_sent, message.step_consumed, hand_.slab.data());
  if (word.phase == Phase::kClosing) return BeginClosing();

  process_.TakeOver(std::move(ends));
  activity_ = Activity::kExecuting;
  if (process_.held()) {
    exchange_.Begin(desk_.handler->Resume(exchange_));
    if (exchange_.execution() == nullptr) return Abort();
  }
  switch (word.phase) {
    case Phase::kResponding:
      if (CarryOn() == Progress::kComplete && AfterStep() == Next::kAgain) Serve();
      break;
    case Phase::kFeeding:
      if (CarryOnFeeding() == Progress::kComplete) AfterStep();
      break;
    case Phase::kExecuting:
      if (exchange_.execution() != nullptr) exchange_.execution()->OnStepDone();
      break;
    default:
      Close();
  }
  if (hand_.fd) Watch();
  DoTick(Now());
}

void LeasedConnection::OnEvents(std::uint32_t events) {
  Guard([&] { DoEvents(events); });
}

void LeasedConnection::DoEvents(std::uint32_t events) {
  if ((events & EPOLLRDHUP) != 0) peer_finished_ = true;
  switch (activity_) {
    case Activity::kIdle:
      if ((events & ~std::uint32_t{EPOLLOUT}) != 0) Serve();
      break;
    case Activity::kSending:
      if (CarryOn() == Progress::kComplete && AfterStep() == Next::kAgain) Serve();
      break;
    case Activity::kFeeding:
      if (CarryOnFeeding() == Progress::kComplete) AfterStep();
      break;
    case Activity::kExecuting:
      if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        process_.Terminate();
        Close();
      } else if (exchange_.execution() != nullptr) {
        exchange_.execution()->OnReadable();
      }
      break;
    case Activity::kLingering:
      Linger();
      break;
    case Activity::kReading:
    case Activity::kGone:
      break;
  }
}

bool LeasedConnection::Claim() {
  if (!hand_.machine.Claim()) return false;
  activity_ = Activity::kReading;
  SetBusy(true);
  return true;
}

void LeasedConnection::Serve() {
  if (!busy_ && !Claim()) return Leave();
  HYDRAPOOL_FAILPOINT("worker.claimed");
  if (desk_.speaks_first && !hand_.detail.greeted.load(std::memory_order_relaxed)) Greet();
  for (int rounds = 0; activity_ != Activity::kGone; ++rounds) {
    if (activity_ == Activity::kSending) return;  // the greeting
    if (rounds == kRounds) return TakeTurn();
    if (ServeBatch() == Next::kWait) return;
  }
}

// Noted by its step: one that was on its way is finished like any other.
void LeasedConnection::Greet() {
  if (hand_.machine.total_sent() == 0) {
    if (auto reply = desk_.handler->OnConnect(*this); reply && !reply->bytes.empty()) {
      reply->interim = true;
      reply->consume = 0;
      if (SendReply(std::move(*reply)) == Next::kWait && activity_ != Activity::kSending) return;
    }
  }
  hand_.detail.greeted.store(true, std::memory_order_relaxed);
}

LeasedConnection::Next LeasedConnection::ServeBatch() {
  activity_ = Activity::kReading;
  if (hand_.lease.excuse != Excuse::kNone) return Owe(hand_.lease.excuse);
  auto& buffer = desk_.peek_buffer;
  const ssize_t count = ::recv(hand_.fd.get(), buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && errno == EINTR) return Next::kAgain;
  if (count < 0 && errno == EAGAIN) return WaitForMore(false);
  if (count <= 0) {
    Close();
    return Next::kWait;
  }
  HYDRAPOOL_FAILPOINT("worker.peeked");
  const auto size = static_cast<std::size_t>(count);
  return AnswerBatch({buffer.data(), size}, size < buffer.size());
}

// Asks the handler about one request after the other, and answers what it can in one step. A Start waits
// until what came before it is answered: then it is asked about again.
LeasedConnection::Next LeasedConnection::AnswerBatch(std::string_view peeked, bool all_seen) {
  std::size_t consumed = 0;
  std::size_t used = 0;
  StepEnd end{.next = Phase::kReading, .in_slab = true};
  bool any = false;
  for (bool more = true; more && consumed < peeked.size(); any = true) {
    Decision decision = desk_.handler->OnInput(*this, peeked.substr(consumed));
    if (std::holds_alternative<NeedMore>(decision)) {
      if (!any && !all_seen) return Misuse("a request is longer than max_input");
      break;
    }
    if (std::holds_alternative<Start>(decision)) {
      if (!any) return Begin(peeked);
      break;
    }
    auto& reply = std::get<Reply>(decision);
    if (reply.consume > peeked.size() - consumed) return Misuse("the handler consumed more than its input");
    if (reply.consume == 0 && reply.keep_open && !reply.interim)
      return Misuse("the handler consumed nothing of a request that it answered");
    if (any && (reply.kind & 7) != end.kind) break;  // a step's replies are counted as one kind
    if (used + reply.bytes.size() > hand_.slab.size()) {
      if (any) break;
      return SendReply(std::move(reply));
    }
    std::memcpy(hand_.slab.data() + used, reply.bytes.data(), reply.bytes.size());
    used += reply.bytes.size();
    consumed += reply.consume;
    if (!reply.keep_open) {
      end.next = Phase::kClosing;
      linger_ = reply.linger || consumed != peeked.size();
    }
    if (!reply.interim) ++end.requests;
    end.kind = reply.kind & 7;
    more = reply.keep_open && !reply.interim && end.requests < UINT8_MAX;
  }
  if (!any) return WaitForMore(true);
  const bool drained = all_seen && consumed == peeked.size() && !peer_finished_;
  if (end.next == Phase::kReading && drained) end.next = Phase::kIdle;
  const auto send = static_cast<std::uint32_t>(used);
  hand_.machine.Begin({.send = send,
                       .consume = static_cast<std::uint32_t>(consumed),
                       .splice_at = send,
                       .end = end,
                       .bytes = hand_.slab.data()});
  return CarryOn() == Progress::kComplete ? AfterStep() : Next::kWait;
}

LeasedConnection::Next LeasedConnection::Misuse(std::string_view what) {
  sys::log::Error("{}: {}: the connection is reset", peer(), what);
  Abort();
  return Next::kWait;
}

LeasedConnection::Next LeasedConnection::Begin(std::string_view input) {
  hand_.machine.Execute();
  hand_.detail.head_begun.store(false, std::memory_order_relaxed);
  SetDeadline(0);
  activity_ = Activity::kExecuting;
  Begun begun = desk_.handler->Begin(exchange_, input);
  if (auto* reply = std::get_if<Reply>(&begun)) {
    EndRequest();
    return SendReply(std::move(*reply));
  }
  exchange_.Begin(std::move(std::get<std::unique_ptr<Execution>>(begun)));
  if (activity_ == Activity::kGone) return Next::kWait;
  if (exchange_.execution() == nullptr) return Misuse("the handler began no execution");
  Watch();
  return Next::kWait;
}

LeasedConnection::Next LeasedConnection::SendReply(Reply reply) {
  linger_ = true;
  exchange_.Note(std::move(reply));
  return CarryOn() == Progress::kComplete ? AfterStep() : Next::kWait;
}

LeasedConnection::Next LeasedConnection::Owe(Excuse excuse) {
  const std::uint8_t kind = excuse == Excuse::kTooSlow ? 4 : 5;
  return SendReply({.consume = 0, .bytes = desk_.abandoned_reply(excuse), .keep_open = false, .kind = kind});
}

Progress LeasedConnection::CarryOn() {
  switch (hand_.machine.Continue(since_ + desk_.timeouts.keep_alive)) {
    case Machine::Progress::kDone:
      CountStep();
      return Progress::kComplete;
    case Machine::Progress::kBlocked:
      activity_ = Activity::kSending;
      Watch();
      return Progress::kPending;
    case Machine::Progress::kPaused:
      activity_ = Activity::kSending;
      TakeTurn();
      return Progress::kPending;
    case Machine::Progress::kBroken:
      break;
  }
  process_.Terminate();
  Close();
  return Progress::kGone;
}

Progress LeasedConnection::CarryOnFeeding() {
  switch (hand_.machine.ContinueFeeding()) {
    case Machine::Progress::kDone:
      activity_ = Activity::kExecuting;
      return Progress::kComplete;
    case Machine::Progress::kBlocked:
      activity_ = Activity::kFeeding;
      process_.WatchInput();
      Watch();
      return Progress::kPending;
    case Machine::Progress::kPaused:
      activity_ = Activity::kFeeding;
      TakeTurn();
      return Progress::kPending;
    case Machine::Progress::kBroken:
      break;
  }
  process_.Terminate();  // the client left in the middle of its request
  Close();
  return Progress::kGone;
}

// The step is committed: on to what it led to.
LeasedConnection::Next LeasedConnection::AfterStep() {
  switch (hand_.machine.done().next) {
    case Phase::kExecuting:
      if (exchange_.execution() ==
          nullptr) {  // taken over before anything ran: look at the request from the start
        activity_ = Activity::kReading;
        return Next::kAgain;
      }
      activity_ = Activity::kExecuting;
      exchange_.execution()->OnStepDone();
      return Next::kWait;
    case Phase::kClosing:
      EndRequest();
      BeginClosing();
      return Next::kWait;
    case Phase::kReading:
      EndRequest();
      activity_ = Activity::kReading;
      return Next::kAgain;
    default:
      EndRequest();
      Rest();
      return Next::kWait;
  }
}

void LeasedConnection::OnProcessEnd() {
  if (exchange_.execution() == nullptr || activity_ == Activity::kGone) return;
  Guard([this] { exchange_.execution()->OnProcessEnd(); });
}

}  // namespace hydrapool
