#include "pool/worker/leased_connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "pool/sys/failpoint.h"
#include "pool/worker/reply_batch.h"

namespace hydrapool {
namespace {

constexpr int kRounds = 2;         // batches in one turn
constexpr int kMostInterims = 16;  // in a row, to the same bytes

}  // namespace

using Progress = Exchange::Progress;

void LeasedConnection::TakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends) {
  Guard([&] { DoTakeUp(message, std::move(ends)); });
}

void LeasedConnection::DoTakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends) {
  const LeaseWord word = hand_.lease.Load();
  if (word.generation != hand_.generation) return Leave();
  if (word.phase != Phase::kIdle) return TakeOver(message, std::move(ends), word);
  Serve();
  DoTick(Now());  // a deadline may have passed, and the next worker may die before its sweep too
}

void LeasedConnection::OnEvents(std::uint32_t events) {
  Guard([&] { DoEvents(events); });
}

void LeasedConnection::DoEvents(std::uint32_t events) {
  if ((events & EPOLLRDHUP) != 0) hand_.peer_finished = true;
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
  hand_.detail.begun_at.store(0, std::memory_order_relaxed);
  activity_ = Activity::kReading;
  SetBusy(true);
  return true;
}

void LeasedConnection::Serve() {
  if (!busy_since_ && !Claim()) return Leave();
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
  const std::uint64_t total = hand_.machine.total_consumed();
  const std::uint64_t request = total + consumed + 1;
  const std::uint64_t input_end = total + peeked.size();
  if (request != hand_.request || input_end != interims_.input_end) interims_ = {.input_end = input_end};
  hand_.request = request;
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
  ReplyBatch batch(hand_.slab, peeked.size());
  hand_.batched = 0;
  while (batch.open()) {
    auto decision = Ask(peeked, batch.consumed(), batch.empty());
    auto* reply = decision ? std::get_if<Reply>(&*decision) : nullptr;
    const bool watched = HasDocket() && docket().open() && desk_.internals.watcher != nullptr;
    if (reply != nullptr && batch.Add(*reply, UsesNotes() || watched)) {
      desk_.internals.CountRunInto();
      if (!reply->interim) ++hand_.batched;
      if (!reply->interim && watched) TellAnswering(reply->bytes);
      continue;
    }
    if (!batch.empty()) break;
    if (reply != nullptr) {
      hand_.SetPart(reply->part);
      return SendAlone(std::move(*reply), peeked.size());
    }
    if (const auto* start = std::get_if<Start>(&*decision)) {
      hand_.SetPart(start->part);
      if (BetterElsewhere()) return PassOn();
      if (passed_on()) hand_.since = hand_.detail.first_look.load(std::memory_order_relaxed);
      return Begin(peeked);
    }
    if (all_seen && sys::StopsAtUrgentByte(hand_.fd.get(), desk_.peek_buffer, peeked.size()))
      return Owe(Excuse::kUrgent);
    if (all_seen) return WaitForMore(true);
    Misuse("a request is longer than max_input");
    return Next::kWait;
  }
  hand_.SetPart(batch.part());
  if (batch.closes()) linger_ = batch.lingers();
  const bool drained = all_seen && batch.consumed() == peeked.size() && !hand_.peer_finished;
  hand_.machine.Begin(batch.Plan(drained ? Phase::kIdle : Phase::kReading));
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
    if (!exchange_.answered()) return SendAlone(std::move(*reply), input.size());
    Misuse("the handler answered a request twice");
    return Next::kWait;
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

LeasedConnection::Next LeasedConnection::SendAlone(Reply reply, std::size_t input) {
  if (const auto fault = FaultOf(reply, input, hand_.request_taken()); !fault.empty()) {
    Misuse(fault);
    return Next::kWait;
  }
  desk_.internals.CountRunInto();
  EndRequest();
  return SendReply(std::move(reply));
}

LeasedConnection::Next LeasedConnection::SendReply(Reply reply) {
  linger_ = true;
  exchange_.Note(std::move(reply));
  return CarryOn() == Progress::kComplete ? AfterStep() : Next::kWait;
}

Progress LeasedConnection::CarryOn() {
  const auto progress = hand_.machine.Continue(hand_.since + desk_.options.timeouts.keep_alive);
  if (progress == Machine::Progress::kDone) CountStep();
  return WaitIn(Activity::kSending, progress);
}

Progress LeasedConnection::CarryOnFeeding() {
  const auto progress = hand_.machine.ContinueFeeding();
  if (progress == Machine::Progress::kDone) activity_ = Activity::kExecuting;
  if (progress == Machine::Progress::kBlocked) process_.WatchInput();
  return WaitIn(Activity::kFeeding, progress);
}

Progress LeasedConnection::WaitIn(Activity activity, Machine::Progress progress) {
  switch (progress) {
    case Machine::Progress::kDone:
      return Progress::kComplete;
    case Machine::Progress::kBlocked:
      activity_ = activity;
      Watch();
      return Progress::kPending;
    case Machine::Progress::kPaused:
      activity_ = activity;
      TakeTurn();
      return Progress::kPending;
    case Machine::Progress::kShort:
      Abort();
      break;
    case Machine::Progress::kBroken:
      process_.Terminate();  // the client left in the middle of its request
      Close();
      break;
  }
  return Progress::kGone;
}

// The step is committed: on to what it led to.
LeasedConnection::Next LeasedConnection::AfterStep() {
  switch (hand_.machine.done().next) {
    case Phase::kExecuting:
      if (exchange_.execution() == nullptr) {  // taken over before anything ran: it is looked at again
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
      if (hand_.machine.done().requests > 0 || ++interims_.count <= kMostInterims) return Next::kAgain;
      Misuse("the handler sent one interim reply after the other and no answer");
      return Next::kWait;
    default:  // idle, and perhaps another's already; its turn was given up before
      ForgetRequest();
      Rest();
      return Next::kWait;
  }
}

void LeasedConnection::OnProcessEnd() {
  if (exchange_.execution() == nullptr || activity_ == Activity::kGone) return;
  Guard([this] { exchange_.execution()->OnProcessEnd(); });
}

}  // namespace hydrapool
