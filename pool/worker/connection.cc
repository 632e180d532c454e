#include "pool/worker/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>

#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"
#include "pool/worker/worker.h"

namespace hydrapool {

Connection::Connection(WorkerDesk& desk, std::uint32_t slot, std::uint32_t generation, sys::UniqueFd fd)
    : desk_(desk), slot_(slot), generation_(generation), fd_(std::move(fd)) {}

Connection::~Connection() {
  execution_.reset();
  watch_.Reset();
  input_watch_.Reset();
}

WorkerContext& Connection::worker() const { return desk_.context; }
sys::EventLoop& Connection::loop() const { return desk_.loop; }
std::string Connection::peer() const { return sys::PeerAddress(fd_.get()); }
bool Connection::IsLast(std::uint64_t request) const {
  return worker().pool_drains() && sys::BytesWaiting(fd_.get()) <= request;
}

std::string Connection::local() const { return sys::LocalAddress(fd_.get()); }
std::span<std::byte> Connection::notes() const { return detail().handler; }
std::span<char> Connection::slab() const { return desk_.leases.slab(slot_); }
LeaseDetail& Connection::detail() const { return desk_.leases.detail(slot_); }
Lease& Connection::lease() const { return desk_.leases.lease(slot_); }

void Connection::CountAbandoned() const { desk_.board.abandoned.Add(); }

void Connection::SetBusy(bool busy) {
  if (busy_ == busy) return;
  busy_ = busy;
  const auto count = desk_.life.busy.load(std::memory_order_relaxed);
  desk_.life.busy.store(busy ? count + 1 : count - 1, std::memory_order_relaxed);
  if (busy) {
    busy_since_ = since_ = desk_.loop.now();
  } else {
    desk_.board.busy_nanos.Add(static_cast<std::uint64_t>(since_ - busy_since_));
  }
}

void Connection::DoTakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends) {
  const LeaseWord word = lease().Load();
  if (word.generation != generation_) return Leave();
  steps_ = word.steps;
  if (word.phase == Phase::kIdle) return Serve();

  SetBusy(true);
  if (word.phase == Phase::kClosing) return BeginClosing();

  ends_ = std::move(ends);
  sent_ = message.step_sent;
  consumed_ = message.step_consumed;
  activity_ = Activity::kExecuting;
  if (process().state != ProcessWord::State::kNone) {
    offered_ = true;
    execution_ = desk_.handler->Resume(*this);
    if (!execution_) return Abort();
  }
  switch (word.phase) {
    case Phase::kResponding:
      if (ContinueSending() == Progress::kComplete && AfterStep() == Round::kAgain) Serve();
      break;
    case Phase::kFeeding:
      if (ContinueFeeding() == Progress::kComplete) AfterStep();
      break;
    case Phase::kExecuting:
      execution_->OnStepDone();
      break;
    default:
      Close();
  }
  if (!watch_ && fd_) Pend(activity_);
  DoTick(sys::Now());  // a deadline may have passed, and the next worker may die before its next sweep too
}

template <typename F>
void Connection::Guarded(F&& call) {
  desk_.life.current.store(slot_ + 1, std::memory_order_relaxed);
  try {
    call();
  } catch (const std::exception& error) {
    sys::log::Error("{}: the handler failed: {}", peer(), error.what());
    TerminateProcess();
    Close();
  } catch (...) {
    sys::log::Error("{}: the handler failed", peer());
    TerminateProcess();
    Close();
  }
  desk_.life.current.store(0, std::memory_order_relaxed);
}

sys::EventLoop::Watch Connection::Watch(int fd, std::uint32_t events, sys::EventLoop::Callback call) {
  return loop().Add(fd, events,
                    [this, call = std::move(call)](std::uint32_t seen) { Guarded([&] { call(seen); }); });
}

sys::EventLoop::Timer Connection::At(sys::Nanos due, std::function<void()> call) {
  return loop().At(due, [this, call = std::move(call)] { Guarded(call); });
}

void Connection::TakeUp(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends) {
  Guarded([&] { DoTakeUp(message, std::move(ends)); });
}

void Connection::OnEvents(std::uint32_t events) {
  Guarded([&] { DoEvents(events); });
}

void Connection::OnTick(sys::Nanos now) {
  Guarded([&] { DoTick(now); });
}

void Connection::OnProcessEnd() {
  if (execution_ && activity_ != Activity::kGone) Guarded([&] { execution_->OnProcessEnd(); });
}

void Connection::DoEvents(std::uint32_t events) {
  if ((events & EPOLLRDHUP) != 0) peer_finished_ = true;
  const bool broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
  switch (activity_) {
    case Activity::kIdle:
      if ((events & ~std::uint32_t{EPOLLOUT}) != 0) Serve();
      break;
    case Activity::kSending:
      if (ContinueSending() == Progress::kComplete && AfterStep() == Round::kAgain) Serve();
      break;
    case Activity::kFeeding:
      if (ContinueFeeding() == Progress::kComplete) AfterStep();
      break;
    case Activity::kExecuting:
      if (broken) {
        TerminateProcess();
        Close();
      } else if (execution_) {
        execution_->OnReadable();
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

bool Connection::Claim() {
  const LeaseWord word = lease().Load();
  if (word.generation != generation_ || word.phase != Phase::kIdle) return false;
  LeaseWord mine = word;
  mine.phase = Phase::kReading;
  if (!lease().Swap(word, mine)) return false;
  steps_ = word.steps;
  activity_ = Activity::kReading;
  SetBusy(true);
  return true;
}

void Connection::Serve() {
  if (!busy_ && !Claim()) return Leave();
  HYDRAPOOL_FAILPOINT("worker.claimed");
  while (ServeOnce() == Round::kAgain) {
  }
}

Connection::Round Connection::ServeOnce() {
  activity_ = Activity::kReading;
  if (lease().verdict != Verdict::kNone) return Owe(lease().verdict);
  auto& buffer = desk_.peek_buffer;
  const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return WaitForMore(false);
  if (count <= 0) {
    Close();
    return Round::kWait;
  }
  HYDRAPOOL_FAILPOINT("worker.peeked");
  const auto size = static_cast<std::size_t>(count);
  return ServeBatch({buffer.data(), size}, size < buffer.size());
}

// Asks the handler about one request after the other, and answers what it can in one step. A Start waits
// until what came before it is answered: then it is asked about again.
Connection::Round Connection::ServeBatch(std::string_view peeked, bool all_seen) {
  std::size_t consumed = 0;
  std::size_t used = 0;
  StepEnd end{.next = Phase::kReading, .in_slab = true};
  const auto slab = this->slab();
  bool more = true;
  bool any = false;
  while (more && consumed < peeked.size()) {
    Step step = desk_.handler->OnInput(*this, peeked.substr(consumed));
    if (std::holds_alternative<NeedMore>(step)) break;
    if (auto* start = std::get_if<Start>(&step)) {
      if (!any) return Begin(std::move(*start));
      break;
    }
    auto& reply = std::get<Reply>(step);
    if (any && (reply.kind & 7) != end.kind) break;  // a step's replies are counted as one kind
    if (used + reply.bytes.size() > slab.size()) {
      if (any) break;
      return SendWhole(std::move(reply)) == Progress::kComplete ? AfterStep() : Round::kWait;
    }
    std::memcpy(slab.data() + used, reply.bytes.data(), reply.bytes.size());
    any = true;
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
  NoteStep(Phase::kResponding, {.send = send, .consume = static_cast<std::uint32_t>(consumed)}, end, send);
  return ContinueSending() == Progress::kComplete ? AfterStep() : Round::kWait;
}

Connection::Round Connection::Begin(Start start) {
  lease().Store({steps_, generation_, Phase::kExecuting});
  detail().head_begun.store(false, std::memory_order_relaxed);
  SetDeadline(0);
  activity_ = Activity::kExecuting;
  Begun begun = start.begin(*this);
  if (auto* reply = std::get_if<Reply>(&begun)) {
    EndRequest();
    return SendWhole(std::move(*reply)) == Progress::kComplete ? AfterStep() : Round::kWait;
  }
  execution_ = std::move(std::get<std::unique_ptr<Execution>>(begun));
  if (activity_ != Activity::kGone && !watch_) Pend(activity_);
  return Round::kWait;
}

// The step is committed: on to what it led to.
Connection::Round Connection::AfterStep() {
  switch (arrived_) {
    case Phase::kExecuting:
      if (!execution_)
        return Round::kAgain;  // taken over before anything ran: look at the request from the start
      activity_ = Activity::kExecuting;
      execution_->OnStepDone();
      return Round::kWait;
    case Phase::kClosing:
      EndRequest();
      BeginClosing();
      return Round::kWait;
    case Phase::kReading:
      EndRequest();
      return Round::kAgain;
    default:
      EndRequest();
      Rest();
      return Round::kWait;
  }
}

// What ends a request may be called by its own Execution, which must return before it is destroyed.
void Connection::SettleSoon() {
  settle_ = At(0, [this] { Settle(); });
}

void Connection::Settle() {
  if (activity_ == Activity::kGone) {
    EndRequest();
    desk_.Return({slot_, false});
    desk_.Forget(*this);
  } else if (AfterStep() == Round::kAgain) {
    Serve();
  }
}

}  // namespace hydrapool
