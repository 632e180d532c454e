// One step of a connection: noted in shared memory, carried out, committed. Rule 1 of the design stands here.
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pool/sys/failpoint.h"
#include "pool/sys/tcp_counters.h"
#include "pool/worker/connection.h"
#include "pool/worker/worker.h"

namespace hydrapool {

LeaseStep& Connection::step() const { return lease().step[steps_ & 1]; }
StepEnd& Connection::step_end() const { return lease().end[steps_ & 1]; }

void Connection::NoteStep(Phase during, const LeaseStep& length, StepEnd end, std::uint32_t splice_at,
                          std::uint32_t spliced) {
  LeaseStep noted = lease().NextBase(steps_);
  noted.send = length.send;
  noted.consume = length.consume;
  const StepEnd& before = lease().end[(steps_ + 1) & 1];
  end.once = once_;
  end.begun =
      (noted.send > 0 && !end.interim) || (steps_ > 0 && before.next == Phase::kExecuting && before.begun);
  step() = noted;
  step_end() = end;
  detail().stalled.store(false, std::memory_order_relaxed);
  if (end.in_slab || during == Phase::kFeeding) {
    detail().splice_at[steps_ & 1] = splice_at;
    detail().spliced[steps_ & 1] = spliced;
  }
  sent_ = 0;
  consumed_ = 0;
  HYDRAPOOL_FAILPOINT("worker.noted");
  lease().Store({steps_, generation_, during});
  HYDRAPOOL_FAILPOINT("worker.responding");
}

// The one store that makes the step done.
void Connection::Commit() {
  arrived_ = step_end().next;
  if (step_end().requests > 0) detail().head_begun.store(false, std::memory_order_relaxed);
  if (arrived_ == Phase::kIdle) SetDeadline(since_ + desk_.timeouts.keep_alive);
  ++steps_;
  lease().Store({steps_, generation_, arrived_});
  HYDRAPOOL_FAILPOINT("worker.committed");
  sent_ = 0;
  consumed_ = 0;
  own_bytes_ = {};
}

Connection::Progress Connection::Pend(Activity activity) {
  activity_ = activity;
  if (!watch_) {
    watch_ = desk_.loop.Add(fd_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                            [this](std::uint32_t events) { OnEvents(events); });
  }
  return Progress::kPending;
}

// Sends a piece of the step; false: nothing could be sent, errno says why.
bool Connection::SendPiece() {
  const LeaseStep& now = step();
  const bool in_slab = step_end().in_slab;
  const std::uint32_t splice_at = in_slab ? detail().splice_at[steps_ & 1] : now.send;
  const std::uint32_t spliced = in_slab ? detail().spliced[steps_ & 1] : 0;
  const char* bytes = in_slab ? slab().data() : own_bytes_.data();
  ssize_t count;
  if (sent_ >= splice_at && sent_ < splice_at + spliced) {
    const std::uint32_t left = splice_at + spliced - sent_;
    const unsigned more = splice_at + spliced < now.send ? SPLICE_F_MORE : 0u;
    count = ::splice(end(ProcessEnd::kOutput), nullptr, fd_.get(), nullptr, left, SPLICE_F_NONBLOCK | more);
    if (count == 0) errno = EIO;  // the process's output ended before what it had promised
  } else {
    const bool before = sent_ < splice_at;
    const std::uint32_t stop = before ? splice_at : now.send;
    const bool more = stop < now.send || step_end().next == Phase::kClosing;
    count = ::send(fd_.get(), bytes + sent_ - (before ? 0 : spliced), stop - sent_,
                   MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  }
  if (count > 0) sent_ += static_cast<std::uint32_t>(count);
  return count > 0;
}

Connection::Progress Connection::ContinueSending() {
  while (sent_ < step().send) {
    if (SendPiece()) continue;
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      if (!detail().stalled.load(std::memory_order_relaxed)) {
        // For the whole step, whoever carries it: a client that trickles is not served for ever.
        const auto pieces = static_cast<sys::Nanos>(1 + step().send / LeaseTable::kSlab);
        SetDeadline(sys::Now() + desk_.timeouts.write * pieces);
        detail().stalled.store(true, std::memory_order_relaxed);
      }
      HYDRAPOOL_FAILPOINT("worker.partly_sent");
      // An edge that comes while this waits is not seen as one for the next request: look again afterwards.
      if (step_end().next == Phase::kIdle) step_end().next = Phase::kReading;
      return Pend(Activity::kSending);
    }
    TerminateProcess();
    Close();
    return Progress::kGone;
  }
  HYDRAPOOL_FAILPOINT("worker.sent");
  const std::uint32_t left = step().consume - std::min(step().consume, consumed_);
  if (left > 0) sys::Discard(fd_.get(), left);
  HYDRAPOOL_FAILPOINT("worker.consumed");
  const StepEnd done = step_end();
  const sys::Nanos now = sys::Now();
  Commit();
  desk_.board.replies[std::min<std::size_t>(done.kind, kReplyClasses - 1)].Add(done.requests);
  for (unsigned i = 0; i < done.requests; ++i) desk_.board.request_seconds.Observe(now - since_);
  if (done.requests > 0 && desk_.life.first_reply_at.load(std::memory_order_relaxed) == 0) {
    desk_.life.first_reply_at.store(now, std::memory_order_relaxed);
  }
  since_ = now;
  return Progress::kComplete;
}

Connection::Progress Connection::Send(const Transmission& t) {
  if (activity_ == Activity::kGone) return Progress::kGone;
  const bool last = t.then != Transmission::Then::kMore;
  StepEnd end{.next = Phase::kExecuting,
              .in_slab = true,
              .interim = t.interim,
              .kind = static_cast<std::uint8_t>(t.kind & 7)};
  if (last) {
    end.next = t.then == Transmission::Then::kDone ? Phase::kReading : Phase::kClosing;
    end.requests = 1;
    linger_ = true;
  }
  NoteStep(Phase::kResponding, {.send = t.prefix + t.spliced + t.suffix, .consume = t.consume}, end, t.prefix,
           t.spliced);
  return Conclude(ContinueSending());
}

// A reply by itself: in the slab if it fits, else from this worker's own memory.
Connection::Progress Connection::SendWhole(Reply reply) {
  linger_ = true;
  const auto size = static_cast<std::uint32_t>(reply.bytes.size());
  const StepEnd end{.next = reply.keep_open ? Phase::kReading : Phase::kClosing,
                    .in_slab = size <= LeaseTable::kSlab,
                    .kind = static_cast<std::uint8_t>(reply.kind & 7),
                    .requests = static_cast<std::uint8_t>(reply.interim ? 0 : 1)};
  if (end.in_slab) {
    std::memcpy(slab().data(), reply.bytes.data(), size);
  } else {
    own_bytes_ = std::move(reply.bytes);
  }
  NoteStep(Phase::kResponding, {.send = size, .consume = static_cast<std::uint32_t>(reply.consume)}, end,
           size);
  return ContinueSending();
}

Connection::Progress Connection::Answer(Reply reply) {
  if (activity_ == Activity::kGone) return Progress::kGone;
  return Conclude(SendWhole(std::move(reply)));
}

// A step that ends the request was asked for by its Execution: the rest follows when that has returned.
Connection::Progress Connection::Conclude(Progress progress) {
  if (progress == Progress::kComplete && arrived_ != Phase::kExecuting) SettleSoon();
  return progress;
}

Connection::Progress Connection::Feed(std::uint32_t discard, std::uint32_t feed) {
  if (activity_ == Activity::kGone) return Progress::kGone;
  NoteStep(Phase::kFeeding, {.send = 0, .consume = discard + feed}, {.next = Phase::kExecuting}, discard);
  return ContinueFeeding();
}

// Moves a piece of the request; false: nothing could be moved, errno says why (0: the peer has finished).
bool Connection::FeedPiece() {
  const std::uint32_t discard = detail().splice_at[steps_ & 1];
  const std::uint32_t left = step().consume - consumed_;
  const int input = end(ProcessEnd::kInput);
  errno = 0;
  ssize_t count;
  if (consumed_ < discard || input < 0) {
    const std::uint32_t most = consumed_ < discard ? discard - consumed_ : left;
    count = sys::DiscardSome(fd_.get(), most);
  } else {
    count = ::splice(fd_.get(), nullptr, input, nullptr, left, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (count < 0 && errno == EPIPE) {  // it does not want the rest
      CloseEnd(ProcessEnd::kInput);
      return true;
    }
  }
  if (count > 0) consumed_ += static_cast<std::uint32_t>(count);
  return count > 0;
}

Connection::Progress Connection::ContinueFeeding() {
  while (consumed_ < step().consume) {
    if (FeedPiece() || errno == EINTR) continue;
    if (errno == EAGAIN) {
      HYDRAPOOL_FAILPOINT("worker.partly_fed");
      if (!input_watch_ && end(ProcessEnd::kInput) >= 0) {
        input_watch_ = desk_.loop.Add(end(ProcessEnd::kInput), EPOLLOUT | EPOLLET,
                                      [this](std::uint32_t) { OnEvents(0); });
      }
      return Pend(Activity::kFeeding);
    }
    TerminateProcess();  // the client left in the middle of its request
    Close();
    return Progress::kGone;
  }
  HYDRAPOOL_FAILPOINT("worker.fed");
  Commit();
  activity_ = Activity::kExecuting;
  return Progress::kComplete;
}

std::uint32_t Connection::PauseFeed() {
  const std::uint32_t taken = consumed_;
  step().consume = taken;
  Commit();
  activity_ = Activity::kExecuting;
  return taken;
}

void Connection::BeginOnce() {
  once_ = true;
  lease().Store({steps_, generation_, Phase::kExecutingOnce});
}

std::optional<std::size_t> Connection::Peek(std::span<char> into) const {
  const ssize_t count = ::recv(fd_.get(), into.data(), into.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN ? std::nullopt : std::optional<std::size_t>(0);
  return static_cast<std::size_t>(count);
}

void Connection::Consume(std::uint32_t count) {
  sys::Discard(fd_.get(), count);
  LeaseStep noted = lease().NextBase(steps_);
  noted.consume = count;
  step() = noted;
  step_end() = {.next = Phase::kExecutingOnce};
  ++steps_;
  lease().Store({steps_, generation_, Phase::kExecutingOnce});
}

}  // namespace hydrapool
