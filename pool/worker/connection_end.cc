// How a connection rests between requests, runs out of time and ends.
#include <sys/socket.h>

#include <cerrno>

#include "pool/sys/failpoint.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"
#include "pool/worker/connection.h"
#include "pool/worker/worker.h"

namespace hydrapool {

void Connection::SetDeadline(sys::Nanos deadline) const {
  detail().deadline.store(deadline, std::memory_order_relaxed);
}

Connection::Round Connection::Owe(Verdict verdict) {
  const std::uint8_t kind = verdict == Verdict::kTooSlow ? 4 : 5;
  Reply reply{.consume = 0, .bytes = desk_.abandoned_reply(verdict), .keep_open = false, .kind = kind};
  return SendWhole(std::move(reply)) == Progress::kComplete ? AfterStep() : Round::kWait;
}

Connection::Round Connection::WaitForMore(bool has_bytes) {
  if (has_bytes && peer_finished_) {  // the rest will never come
    lease().Store({steps_, generation_, Phase::kClosing});
    BeginClosing();
    return Round::kWait;
  }
  LeaseDetail& more = detail();
  if (!has_bytes) {
    more.head_begun.store(false, std::memory_order_relaxed);
    SetDeadline(since_ + desk_.timeouts.keep_alive);
  } else if (!more.head_begun.exchange(true, std::memory_order_relaxed)) {
    SetDeadline(since_ + desk_.timeouts.head);
  }
  lease().Store({steps_, generation_, Phase::kIdle});
  Rest();
  return Round::kWait;
}

// Between requests. The word says idle already, so the parent may have lent the lease to another worker by
// now.
void Connection::Rest() {
  SetBusy(false);
  activity_ = Activity::kIdle;
  if (desk_.draining) {
    desk_.Return({slot_, true});
    return Leave();
  }
  if (!watch_) Pend(Activity::kIdle);
}

void Connection::Leave() {
  if (activity_ == Activity::kGone) return;
  SetBusy(false);
  watch_.Reset();
  fd_.Reset();
  activity_ = Activity::kGone;
  desk_.Forget(*this);
}

void Connection::BeginClosing() {
  HYDRAPOOL_FAILPOINT("worker.closing");
  ::shutdown(fd_.get(), SHUT_WR);
  HYDRAPOOL_FAILPOINT("worker.shut");
  if (!linger_) return Close();
  SetDeadline(sys::Now() + desk_.timeouts.linger);
  activity_ = Activity::kLingering;
  Linger();
  if (activity_ == Activity::kLingering && !watch_) Pend(Activity::kLingering);
}

// Reads and drops what still comes: unread data at close would reset the connection and destroy what the peer
// has not read.
void Connection::Linger() {
  constexpr std::size_t kPiece = 1 << 20;
  for (int rounds = 0; rounds < 64; ++rounds) {
    const ssize_t count = sys::DiscardSome(fd_.get(), kPiece);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) break;
  }
  Close();
}

void Connection::Close() {
  if (activity_ == Activity::kGone) return;
  ::shutdown(fd_.get(), SHUT_WR);
  watch_.Reset();
  input_watch_.Reset();
  lease().Store({steps_, generation_, Phase::kClosed});
  HYDRAPOOL_FAILPOINT("worker.closed");
  fd_.Reset();
  SetBusy(false);
  activity_ = Activity::kGone;
  if (execution_ || offered_) {
    SettleSoon();
  } else {
    desk_.Return({slot_, false});
    desk_.Forget(*this);
  }
}

void Connection::Abort() {
  if (activity_ == Activity::kGone) return;
  TerminateProcess();
  desk_.board.cut.Add();
  sys::ResetConnection(fd_.get());
  Close();
}

void Connection::DoTick(sys::Nanos now) {
  if (activity_ == Activity::kGone) return;
  if (activity_ == Activity::kIdle && lease().Load().generation != generation_) return Leave();
  if (activity_ == Activity::kIdle && !roomy_ && detail().head_begun.load(std::memory_order_relaxed)) {
    roomy_ = true;
    sys::MakeRoom(fd_.get());
  }
  const sys::Nanos deadline = detail().deadline.load(std::memory_order_relaxed);
  if (deadline == 0 || now < deadline) return;
  switch (activity_) {
    case Activity::kIdle:
      if (!Claim()) return Leave();
      if (sys::BytesWaiting(fd_.get()) > 0 && !detail().head_begun.load()) {
        Serve();  // it came at this very moment
      } else if (sys::BytesWaiting(fd_.get()) > 0) {
        if (Owe(Verdict::kTooSlow) == Round::kAgain) Serve();
      } else {
        lease().Store({steps_, generation_, Phase::kClosing});
        linger_ = false;
        BeginClosing();
      }
      break;
    case Activity::kSending:
      Abort();
      break;
    case Activity::kFeeding:
    case Activity::kExecuting:
      if (execution_) execution_->OnDeadline();
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
