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

// What is wrong with a reply to `input` bytes; empty: nothing.
std::string_view Fault(const Reply& reply, std::size_t input, bool taken) {
  if (reply.consume > input) return "the handler consumed more than its input";
  if (reply.consume == 0 && reply.keep_open && !reply.interim && !taken)
    return "the handler consumed nothing of a request that it answered";
  return {};
}

}  // namespace

using Progress = Exchange::Progress;
using Machine = StepMachine<SocketIo>;

void LeasedConnection::TakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends) {
  Guard([&] { DoTakeUp(message, std::move(ends)); });
}

void LeasedConnection::DoTakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends) {
  const LeaseWord word = hand_.lease.Load();
  if (word.generation != hand_.generation) return Leave();
  if (word.phase != Phase::kIdle) return TakeOver(message, std::move(ends), word.phase);
  Serve();
  DoTick(Now());  // a deadline may have passed, and the next worker may die before its sweep too
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
  if (desk_.speaks_first && hand_.lease.excuse == Excuse::kNone && Greet() == Next::kWait) return;
  for (int rounds = 0; activity_ != Activity::kGone; ++rounds) {
    if (rounds == kRounds) return TakeTurn();
    if (ServeBatch() == Next::kWait) return;
  }
}

// What has been sent tells whether it was: a greeting's step is finished like any other. The flag is for
// those that say nothing.
LeasedConnection::Next LeasedConnection::Greet() {
  if (hand_.detail.greeted.load(std::memory_order_relaxed)) return Next::kAgain;
  if (hand_.machine.total_sent() == 0) {
    activity_ = Activity::kReading;
    auto reply = desk_.handler->OnConnect(*this);
    if (reply && (!reply->bytes.empty() || !reply->keep_open)) {
      reply->interim = true;
      reply->consume = 0;
      return SendReply(std::move(*reply));
    }
  }
  hand_.detail.greeted.store(true, std::memory_order_relaxed);
  return Next::kAgain;
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

// Nothing: the handler fails at this request, but not at those before it, which are answered first.
std::optional<Decision> LeasedConnection::Ask(std::string_view peeked, std::size_t consumed, bool first) {
  request_ = hand_.machine.total_consumed() + consumed + 1;
  try {
    return desk_.handler->OnInput(*this, peeked.substr(consumed));
  } catch (...) {
    if (first) throw;
    return std::nullopt;
  }
}

// Asks the handler about one request after the other, and answers what it can in one step. A Start waits
// until what came before it is answered: then it is asked about again.
LeasedConnection::Next LeasedConnection::AnswerBatch(std::string_view peeked, bool all_seen) {
  std::size_t consumed = 0;
  std::size_t used = 0;
  StepEnd end{.next = Phase::kReading, .in_slab = true};
  bool any = false;
  for (bool more = true; more && consumed < peeked.size(); any = true) {
    auto decision = Ask(peeked, consumed, !any);
    if (!decision) break;
    if (std::holds_alternative<NeedMore>(*decision)) {
      if (any || all_seen) break;
      Misuse("a request is longer than max_input");
      return Next::kWait;
    }
    if (std::holds_alternative<Start>(*decision)) {
      if (!any) return Begin(peeked);
      break;
    }
    auto& reply = std::get<Reply>(*decision);
    const auto fault = Fault(reply, peeked.size() - consumed, false);
    if (any && (!fault.empty() || (reply.kind & 7) != end.kind)) break;  // a step's replies are of one kind
    if (!fault.empty()) {
      Misuse(fault);
      return Next::kWait;
    }
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
    const bool noted = hand_.detail.notes_of.load(std::memory_order_relaxed) == request_;
    more = reply.keep_open && !reply.interim && !noted && end.requests < UINT8_MAX;
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

LeasedConnection::Next LeasedConnection::Begin(std::string_view input) {
  hand_.machine.Execute();
  hand_.detail.head_begun.store(false, std::memory_order_relaxed);
  SetDeadline(0);
  activity_ = Activity::kExecuting;
  TakeNotes();  // theirs from here on, whoever takes the request over
  exchange_.Prepare(input.size());
  Begun begun = desk_.handler->Begin(exchange_, input);
  if (auto* reply = std::get_if<Reply>(&begun)) {
    if (activity_ == Activity::kGone) return Next::kWait;
    auto fault = Fault(*reply, input.size(), request_taken());
    if (exchange_.answered()) fault = "the handler answered a request twice";
    if (!fault.empty()) {
      Misuse(fault);
      return Next::kWait;
    }
    EndRequest();
    return SendReply(std::move(*reply));
  }
  exchange_.Begin(std::move(std::get<std::unique_ptr<Execution>>(begun)));
  if (activity_ == Activity::kGone) return Next::kWait;
  if (exchange_.execution() == nullptr) {
    Misuse("the handler has no Begin, or began no execution");
  } else {
    Watch();
  }
  return Next::kWait;
}

LeasedConnection::Next LeasedConnection::SendReply(Reply reply) {
  linger_ = true;
  exchange_.Note(std::move(reply));
  return CarryOn() == Progress::kComplete ? AfterStep() : Next::kWait;
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
