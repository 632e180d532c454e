// Whom a connection is lent to, from its accept to its end.
#include <sys/socket.h>

#include <algorithm>
#include <system_error>

#include "pool/parent/parent.h"
#include "pool/sys/error.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"

namespace hydrapool {

void Pool::Parent::OnListener(const Listener& listener) {
  for (int i = 0; i < 256 && AcceptOne(listener); ++i) {
  }
}

// False: nobody waits, or none can be taken now.
bool Pool::Parent::AcceptOne(const Listener& listener) {
  if (book_.full() && !SomebodyWaits(listener)) return false;
  if (book_.full() && !MakeRoom()) {  // the backlog holds the rest, until a lease is free
    wants_lease_ = true;
    PauseListeners(INT64_MAX);
    return false;
  }
  auto [fd, error] = sys::Accept(listener.fd.get());
  if (error != 0) {
    scoreboard.counts().accept_errors.Add();
    sys::log::Warn("accept: {}; trying again in 100 ms", std::generic_category().message(error));
    PauseListeners(sys::Now() + 100 * sys::kMillisecond);
    return false;
  }
  if (!fd) return false;
  scoreboard.counts().accepted.Add();
  const auto slot = book_.Open(fd, loop.now());
  Assign({.slot = *slot, .generation = table_.lease(*slot).Load().generation});
  return true;
}

void Pool::Parent::PauseListeners(sys::Nanos until) {
  for (const auto& listener : listeners_) listener->watch.Reset();
  if (until != INT64_MAX) listen_again_ = loop.At(until, [this] { ResumeListeners(); });
}

void Pool::Parent::ResumeListeners() {
  if (draining_ || book_.full()) return;
  for (const auto& listener : listeners_) {
    if (listener->watch) continue;
    listener->watch =
        loop.Add(listener->fd.get(), EPOLLIN, [this, &l = *listener](std::uint32_t) { OnListener(l); });
  }
}

std::vector<WorkerLoad> Pool::Parent::Loads() const {
  std::vector<WorkerLoad> loads(seats_.size());
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    const WorkerLife& board = scoreboard.life_of(i);
    const bool alive = seats_[i].child && board.state.load(std::memory_order_relaxed) == WorkerState::kReady;
    loads[i] = {.ready = alive && seats_[i].told - board.taken.load() < kMaxUntaken,
                .executing = board.busy.load(std::memory_order_relaxed),
                .leases = book_.leases_of(static_cast<std::uint32_t>(i))};
  }
  return loads;
}

bool Pool::Parent::TryAssign(const ToWorker& message) {
  const auto worker = dispatcher_.Choose(Loads());
  if (!worker) return false;
  Seat& seat = seats_[*worker];
  book_.SetOwner(message.slot, static_cast<std::uint32_t>(*worker));
  seat.batch.push_back(message);
  ++seat.told;
  if (seat.batch.size() == kMaxBatch) Flush(*worker);
  return true;
}

void Pool::Parent::Assign(const ToWorker& message) {
  if (!waiting_.empty() || !TryAssign(message)) waiting_.push_back({message, loop.now()});
}

void Pool::Parent::AssignWaiting() {
  // The flag first, then one more try: room that comes in between is seen by one of the two.
  scoreboard.bell().parent_wants_room.store(1);
  // Bounded: a full channel puts leases back at the end of the queue.
  for (auto left = waiting_.size(); left > 0 && TryAssign(waiting_.front().message); --left)
    waiting_.pop_front();
  if (waiting_.empty()) scoreboard.bell().parent_wants_room.store(0);
}

void Pool::Parent::Flush(std::size_t worker) {
  Seat& seat = seats_[worker];
  // What was taken back (or has ended) since it was put in is not this worker's any more.
  seat.told -= std::erase_if(seat.batch, [&](const ToWorker& message) {
    return book_.owner(message.slot) != worker ||
           table_.lease(message.slot).Load().generation != message.generation;
  });
  if (seat.batch.empty()) return;
  std::vector<int> descriptors;
  for (ToWorker& message : seat.batch) {
    if (message.kind != ToWorker::Kind::kLease) continue;
    descriptors.push_back(book_.fd(message.slot));
    message.process_ends = keeper_.AppendEnds(message.slot, descriptors);
  }
  const auto status = seat.channel.Send(std::as_bytes(std::span(seat.batch)), descriptors);
  if (status == sys::Channel::SendStatus::kSent) {
    const sys::Nanos now = sys::Now();
    for (const ToWorker& message : seat.batch) {
      if (message.kind != ToWorker::Kind::kLease) continue;
      scoreboard.slot(worker).connections_leased.Add();
      if (const sys::Nanos accepted = book_.TakeAcceptedAt(message.slot); accepted != 0) {
        scoreboard.counts().dispatch_seconds.Observe(now - accepted);
      }
    }
  } else if (status == sys::Channel::SendStatus::kFull) {
    seat.told -= seat.batch.size();
    for (const ToWorker& message : seat.batch) {
      if (message.kind != ToWorker::Kind::kLease) continue;
      book_.SetOwner(message.slot, LeaseBook::kNobody);
      waiting_.push_back({message, loop.now()});
    }
  }  // kBroken: it is dead, and its leases are rescued when it is reaped
  seat.batch.clear();
}

void Pool::Parent::FlushAll() {
  for (std::size_t worker = 0; worker < seats_.size(); ++worker) Flush(worker);
  for (std::size_t worker = 0; worker < seats_.size(); ++worker) {
    scoreboard.slot(worker).leases.store(book_.leases_of(static_cast<std::uint32_t>(worker)),
                                         std::memory_order_relaxed);
  }
  scoreboard.counts().open_leases.store(static_cast<std::uint32_t>(book_.open()), std::memory_order_relaxed);
  scoreboard.counts().unassigned.store(static_cast<std::uint32_t>(waiting_.size()),
                                       std::memory_order_relaxed);
}

bool Pool::Parent::TakeIdle(std::uint32_t slot) {
  if (!book_.Take(slot)) return false;
  keeper_.Drop(slot, false);  // of its last request; what its worker says of that now comes too late
  return true;
}

void Pool::Parent::GiveIdle(std::uint32_t slot) {
  Assign({.slot = slot, .generation = table_.lease(slot).Load().generation});
}

void Pool::Parent::Collect(std::size_t worker) {
  while (const auto item = rings_[worker]->Take()) {
    if (item->slot >= table_.size() || book_.owner(item->slot) != worker) continue;
    if (item->released) {
      if (TakeIdle(item->slot)) GiveIdle(item->slot);
    } else if (table_.lease(item->slot).Load().phase == Phase::kClosed) {
      keeper_.Drop(item->slot, table_.detail(item->slot).terminate.load());
      book_.Free(item->slot);
    }
  }
}

// Idle leases move from the fullest worker to the emptiest; busy ones stay where they are.
void Pool::Parent::EvenOutLeases() {
  const auto move = EvenOut(Loads());
  if (!move || !waiting_.empty()) return;
  std::uint32_t left = std::min<std::uint32_t>(move->count, kMaxUntaken / 2);
  for (const std::uint32_t slot : book_.SlotsOf(static_cast<std::uint32_t>(move->from))) {
    if (left == 0) break;
    if (!TakeIdle(slot)) continue;
    --left;
    scoreboard.counts().moved.Add();
    book_.SetOwner(slot, static_cast<std::uint32_t>(move->to));
    seats_[move->to].batch.push_back({.slot = slot, .generation = table_.lease(slot).Load().generation});
    ++seats_[move->to].told;
    if (seats_[move->to].batch.size() == kMaxBatch) Flush(move->to);
  }
}

// With no worker to be had, what has waited too long is answered by the parent itself.
void Pool::Parent::ExpireWaiting() {
  const sys::Nanos before = sys::Now() - options.timeouts.unassigned;
  while (!waiting_.empty() && waiting_.front().since < before) {
    TellUnavailable(waiting_.front().message.slot);
    waiting_.pop_front();
  }
}

void Pool::Parent::TellUnavailable(std::uint32_t slot) {
  const int fd = book_.fd(slot);
  const Lease& lease = table_.lease(slot);
  const LeaseWord word = lease.Load();
  const LeaseStep& step = lease.step[word.steps & 1];
  const StepEnd& end = lease.end[word.steps & 1];
  const auto sent = sys::BytesSent(fd);
  const bool answered = word.phase == Phase::kClosing ||
                        (word.phase == Phase::kResponding && sent &&
                         SentOfStep(*sent, step, end) == step.send && end.next != Phase::kExecuting);
  if (!answered && word.phase != Phase::kIdle) {  // in the middle of an answer
    scoreboard.counts().cut.Add();
    NoteFate(slot, word.phase, Fate::Kind::kCut);
    sys::ResetConnection(fd);
  } else if (!answered && (sys::BytesWaiting(fd) > 0 || lease.verdict != Verdict::kNone)) {
    scoreboard.counts().unavailable.Add();
    NoteFate(slot, word.phase, Fate::Kind::kUnavailable);
    sys::Discard(fd, sys::BytesWaiting(fd));
    const std::string reply = type_.abandoned_reply(Verdict::kUnavailable);
    ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::shutdown(fd, SHUT_WR);
  keeper_.Drop(slot, true);
  book_.Free(slot);
}

}  // namespace hydrapool
