// How a leased connection rests between requests, takes turns, runs out of time and ends.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>

#include "pool/shared/lease_table.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/worker/leased_connection.h"

namespace hydrapool {

void LeasedConnection::SetBusy(bool busy) {
  if (busy_since_.has_value() == busy) return;
  const auto count = desk_.life.busy.load(std::memory_order_relaxed);
  desk_.life.busy.store(busy ? count + 1 : count - 1, std::memory_order_relaxed);
  if (busy) {
    busy_since_ = hand_.since = desk_.loop.now();
  } else {
    // A request that was passed on began before it came here.
    desk_.round.busy += std::max<Nanos>(hand_.since - *busy_since_, 0);
    busy_since_.reset();
  }
}

void LeasedConnection::CountStep() {
  const StepEnd& done = hand_.machine.done();
  const Nanos now = Now();
  desk_.life.requests.store(desk_.life.requests.load(std::memory_order_relaxed) + done.requests,
                            std::memory_order_relaxed);
  desk_.board.replies[std::min<std::size_t>(done.kind, kReplyClasses - 1)].Add(done.requests);
  for (unsigned i = 0; i < done.requests; ++i)
    desk_.board.request_seconds.Observe(hand_.part, done.kind, now - hand_.since);
  if (done.requests > 0 && desk_.life.first_reply_at.load(std::memory_order_relaxed) == 0)
    desk_.life.first_reply_at.store(now, std::memory_order_relaxed);
  hand_.since = now;
}

LeasedConnection::Next LeasedConnection::WaitForMore(bool has_bytes) {
  if (has_bytes && hand_.peer_finished) {  // the rest will never come
    hand_.machine.BeginClosing();
    BeginClosing();
    return Next::kWait;
  }
  LeaseDetail& detail = hand_.detail;
  if (!has_bytes) {
    detail.head_begun.store(false, std::memory_order_relaxed);
    SetDeadline(hand_.since + desk_.options.timeouts.keep_alive);
  } else if (!detail.head_begun.exchange(true, std::memory_order_relaxed)) {
    SetDeadline(hand_.since + desk_.options.timeouts.head);
  }
  hand_.machine.GoIdle();
  Rest();
  return Next::kWait;
}

// Between requests. The word says idle already, so the parent may have lent the lease to another worker by
// now.
void LeasedConnection::Rest() {
  if (desk_.draining) return GiveBack();
  SetBusy(false);
  activity_ = Activity::kIdle;
  Watch();
}

void LeasedConnection::GiveBack() {
  SetBusy(false);
  desk_.link.Return({hand_.slot, true});
  Leave();
}

LeasedConnection::Next LeasedConnection::Owe(Excuse excuse) {
  const bool clients_fault = excuse == Excuse::kTooSlow || excuse == Excuse::kUrgent;
  const std::uint8_t kind = clients_fault ? 4 : 5;
  if (clients_fault || excuse == Excuse::kUnavailable) hand_.SetPart(0);  // nobody has read it
  return SendReply(
      {.consume = 0, .bytes = desk_.handler->OwedReply(*this, excuse), .keep_open = false, .kind = kind});
}

// The others first. A worker that is to leave gives the lease back instead: the bytes wait in the kernel.
void LeasedConnection::TakeTurn() {
  if (activity_ == Activity::kReading && desk_.draining) {
    WaitForMore(false);
    return;
  }
  turn_ = desk_.loop.At(0, [this] {
    Guard([this] {
      if (activity_ == Activity::kReading) {
        Serve();
      } else {
        DoEvents(0);
      }
    });
  });
}

void LeasedConnection::Watch() {
  if (watch_) return;
  watch_ = desk_.loop.Add(hand_.fd.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                          [this](std::uint32_t events) { OnEvents(events); });
}

void LeasedConnection::EndRequest() {
  GiveUpTurn();
  ForgetRequest();
}

// What the next owner of the lease also uses stays as it is.
void LeasedConnection::ForgetRequest() {
  settle_.Reset();
  hand_.machine.EndRequest();
  if (exchange_.execution() == nullptr && !process_.held()) return;
  exchange_.End();
  process_.Drop(activity_ == Activity::kGone);
}

// What ends a request may be called by its own Execution, which must return before it is destroyed.
void LeasedConnection::SettleSoon() {
  settle_ = desk_.loop.At(0, [this] {
    Guard([this] {
      if (activity_ == Activity::kGone) {
        ForgetRequest();
        desk_.link.Return({hand_.slot, false});
        desk_.forgotten.push_back(this);
      } else if (AfterStep() == Next::kAgain) {
        Serve();
      }
    });
  });
}

void LeasedConnection::Leave() {
  if (activity_ == Activity::kGone) return;
  SetBusy(false);
  watch_.Reset();
  hand_.fd.Reset();
  activity_ = Activity::kGone;
  desk_.forgotten.push_back(this);
}

void LeasedConnection::BeginClosing() {
  HYDRAPOOL_FAILPOINT("worker.closing");
  ::shutdown(hand_.fd.get(), SHUT_WR);
  HYDRAPOOL_FAILPOINT("worker.shut");
  activity_ = Activity::kLingering;
  if (!linger_) return Close();
  SetDeadline(Now() + desk_.options.timeouts.linger);
  Linger();
  if (activity_ == Activity::kLingering) Watch();
}

// Reads and drops what still comes: unread data at close would reset the connection and destroy what the peer
// has not read.
void LeasedConnection::Linger() {
  constexpr std::size_t kPiece = 1 << 20;
  for (int rounds = 0; rounds < 64; ++rounds) {
    const ssize_t count = sys::DiscardSome(hand_.fd.get(), kPiece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) break;
  }
  Close();
}

void LeasedConnection::OnFailure(const char* what) {
  sys::log::Error("{}: the handler failed: {}: the connection is reset", peer(), what);
  Abort();
}

void LeasedConnection::TellClose() {
  try {
    desk_.handler->OnClose(*this);
  } catch (const std::exception& error) {
    sys::log::Error("{}: the handler's OnClose failed: {}", peer(), error.what());
  } catch (...) {
    sys::log::Error("{}: the handler's OnClose failed", peer());
  }
}

void LeasedConnection::Close() {
  if (activity_ == Activity::kGone) return;
  TellClose();
  CloseDocket(true);
  if (activity_ != Activity::kLingering) ::shutdown(hand_.fd.get(), SHUT_WR);  // the parent's copy stays open
  watch_.Reset();
  process_.StopWatching();
  turn_.Reset();
  GiveUpTurn();  // a new parent frees the slot for another connection as soon as it says closed
  hand_.machine.Close();
  HYDRAPOOL_FAILPOINT("worker.closed");
  hand_.fd.Reset();
  SetBusy(false);
  activity_ = Activity::kGone;
  if (exchange_.execution() != nullptr || process_.held()) {
    SettleSoon();
  } else {
    desk_.link.Return({hand_.slot, false});
    desk_.forgotten.push_back(this);
  }
}

void LeasedConnection::Abort() {
  if (activity_ == Activity::kGone) return;
  process_.Terminate();
  desk_.board.cut.Add();
  sys::ResetConnection(hand_.fd.get());
  Close();
}

void LeasedConnection::OnTick(Nanos now) {
  Guard([&] { DoTick(now); });
}

void LeasedConnection::DoTick(Nanos now) {
  if (activity_ == Activity::kGone) return;
  if (activity_ == Activity::kIdle && hand_.lease.Load().generation != hand_.generation) return Leave();
  if (activity_ == Activity::kIdle && !roomy_ && hand_.detail.head_begun.load(std::memory_order_relaxed)) {
    roomy_ = true;
    sys::MakeRoom(hand_.fd.get());
  }
  if (activity_ == Activity::kIdle) TrimSlab(now);
  const Nanos deadline = hand_.detail.deadline.load(std::memory_order_relaxed);
  if (deadline != 0 && now >= deadline) OnDeadline();
}

// All of it only where the connection rests: the next request would have to get its page again. Nobody else
// can have the lease meanwhile, and bytes that come are told by their event.
void LeasedConnection::TrimSlab(Nanos now) {
  constexpr Nanos kRests = sys::kSecond;
  constexpr int kMostASweep = 256;  // others want to be served
  if (desk_.slabs_trimmed == kMostASweep) return;
  const LeaseDetail& detail = hand_.detail;
  const bool all = now - hand_.since >= kRests && detail.slab_written.load(std::memory_order_relaxed);
  if (!all && !detail.slab_grown.load(std::memory_order_relaxed)) return;
  ++desk_.slabs_trimmed;
  if (!hand_.machine.Claim()) return;
  desk_.leases.TrimSlab(hand_.slot, all ? 0 : kSlabPage);
  hand_.machine.GoIdle();
}

void LeasedConnection::OnIdleDeadline() {
  if (!Claim()) return Leave();
  const bool bytes_wait = sys::BytesWaiting(hand_.fd.get()) > 0;
  if (bytes_wait && !hand_.detail.head_begun.load()) {
    Serve();  // it came at this very moment
  } else if (bytes_wait) {
    desk_.board.Hit(Limit::kHeadTime);
    if (Owe(Excuse::kTooSlow) == Next::kAgain) Serve();
  } else {
    desk_.board.Hit(Limit::kIdle);
    hand_.machine.BeginClosing();
    linger_ = false;
    BeginClosing();
  }
}

void LeasedConnection::OnDeadline() {
  switch (activity_) {
    case Activity::kIdle:
      OnIdleDeadline();
      break;
    case Activity::kSending:
      desk_.board.Hit(Limit::kWriteTime);
      Abort();
      break;
    case Activity::kFeeding:
    case Activity::kExecuting:
      if (exchange_.execution() != nullptr) exchange_.execution()->OnDeadline();
      break;
    case Activity::kLingering:
      Close();
      break;
    case Activity::kReading:
    case Activity::kGone:
      break;
  }
}

}  // namespace hydrapool
