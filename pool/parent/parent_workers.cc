// The workers' lives as the parent sees them: start, readiness, death.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "pool/parent/parent.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/worker/worker.h"

namespace hydrapool {
namespace {

/// Closes every descriptor but 0 to 2 and the two given, which keep their numbers.
void CloseAllBut(int a, int b) {
  const unsigned first = static_cast<unsigned>(std::min(a, b));
  const unsigned second = static_cast<unsigned>(std::max(a, b));
  const auto close = [](unsigned from, unsigned to) {
    if (from <= to) ::syscall(SYS_close_range, from, to, 0);
  };
  close(3, first - 1);
  close(first + 1, second - 1);
  close(second + 1, ~0u);
}

}  // namespace

void Pool::Parent::Spawn(std::size_t worker) {
  if (leaving_) return;
  Seat& seat = seats_[worker];
  WorkerSlot& board = scoreboard.slot(worker);
  board.incarnation.fetch_add(1);
  WorkerLife& life = scoreboard.life_of(worker);
  life.Begin(static_cast<std::uint32_t>(worker), sys::Now());
  seat.told = 0;
  seat.seen_ready = false;
  seat.emptied = false;
  seat.started_at = sys::Now();
  const pid_t parent = ::getpid();
  try {
    auto [ours, theirs] = sys::MakeChannel();
    seat.child = sys::Child::Fork([&, &channel = theirs] {
      CloseAllBut(channel.fd(), doorbell_.get());
      ::prctl(PR_SET_DUMPABLE, options.core_dumps ? 1 : 0);
      Worker self({.table = table_,
                   .scoreboard = scoreboard,
                   .ring = *rings_[worker],
                   .life = worker,
                   .channel = std::move(channel),
                   .doorbell = std::move(doorbell_),
                   .parent = parent},
                  options, type_);
      return self.Run();
    });
    seat.channel = std::move(ours);
    seat.channel_watch =
        loop.Add(seat.channel.fd(), EPOLLIN, [this, worker](std::uint32_t) { OnChannel(worker); });
    seat.death_watch =
        loop.Add(seat.child.pidfd(), EPOLLIN, [this, worker](std::uint32_t) { OnDeath(worker); });
    board.pid = seat.child.pid();
  } catch (const std::system_error& error) {
    sys::log::Error("worker {} cannot be started: {}; trying again in a second", worker, error.what());
    seat.channel_watch.Reset();
    seat.death_watch.Reset();
    seat.channel.Close();
    seat.child = sys::Child();
    life.state = WorkerState::kDead;
    seat.respawn = loop.At(sys::Now() + sys::kSecond, [this, worker] { Spawn(worker); });
  }
}

bool Pool::Parent::StateIsNews(std::size_t worker) const {
  const Seat& seat = seats_[worker];
  if (!seat.child) return false;
  const WorkerState state = scoreboard.life_of(worker).state.load();
  return (!seat.seen_ready && state != WorkerState::kStarting) ||
         (!seat.emptied && state == WorkerState::kDraining);
}

void Pool::Parent::NoticeState(std::size_t worker) {
  Seat& seat = seats_[worker];
  if (!seat.child) return;
  const WorkerLife& board = scoreboard.life_of(worker);
  const WorkerState state = board.state.load();
  if (!seat.seen_ready && state != WorkerState::kStarting) {
    seat.seen_ready = true;
    if (seat.reaped_at != 0) {
      scoreboard.counts().respawn_seconds.Observe(board.ready_at.load() - seat.reaped_at);
      seat.seen_first_reply = false;
    }
    EvenOutLeases();
  }
  if (!seat.seen_first_reply) {
    if (const sys::Nanos first = board.first_reply_at.load(); first != 0) {
      seat.seen_first_reply = true;
      scoreboard.counts().recovery_seconds.Observe(first - seat.died_at);
    }
  }
  if (state == WorkerState::kDraining && !seat.emptied) {
    seat.emptied = true;
    for (const std::uint32_t slot : book_.SlotsOf(static_cast<std::uint32_t>(worker))) {
      if (TakeIdle(slot)) GiveIdle(slot);
    }
  }
}

void Pool::Parent::OnChannel(std::size_t worker) {
  alignas(ToParent) std::array<std::byte, sys::Channel::kMaxPacket> buffer;
  Seat& seat = seats_[worker];
  while (seat.channel) {
    auto packet = seat.channel.Receive(buffer);
    if (!packet) return;
    if (packet->bytes.size() < sizeof(ToParent)) {  // its end is closed: the pidfd will tell
      seat.channel_watch.Reset();
      return;
    }
    ToParent message;
    std::memcpy(&message, packet->bytes.data(), sizeof message);
    const bool holds = message.slot < table_.size() && book_.owner(message.slot) == worker &&
                       table_.lease(message.slot).Load().generation == message.generation;
    if (holds) {
      keeper_.OnMessage(message, std::move(packet->descriptors));
    } else if (message.kind == ToParent::Kind::kTerminate) {
      keeper_.Terminate(message.pid);
    }
  }
}

void Pool::Parent::ReapAll() {
  children_died_ = false;
  keeper_.ReapAll(
      [this](pid_t child) {
        if (OnChildDeath(child)) return true;
        for (std::size_t i = 0; i < seats_.size(); ++i) OnChannel(i);  // its offer came before its birth
        return false;
      },
      [this](std::uint32_t slot) {
        const std::uint32_t owner = book_.owner(slot);
        if (owner == LeaseBook::kNobody || !seats_[owner].child) return;
        seats_[owner].batch.push_back({.slot = slot,
                                       .generation = table_.lease(slot).Load().generation,
                                       .kind = ToWorker::Kind::kProcessEnded});
        ++seats_[owner].told;
        if (seats_[owner].batch.size() == kMaxBatch) Flush(owner);
      });
}

bool Pool::Parent::OnChildDeath(pid_t child) {
  for (std::size_t worker = 0; worker < seats_.size(); ++worker) {
    if (seats_[worker].child.pid() != child) continue;
    OnDeath(worker);
    return true;
  }
  return false;
}

void Pool::Parent::OnDeath(std::size_t worker) {
  Seat& seat = seats_[worker];
  WorkerSlot& board = scoreboard.slot(worker);
  WorkerLife& life = scoreboard.life_of(worker);
  const bool was_ready = seat.seen_ready || life.state.load() != WorkerState::kStarting;
  NoticeState(worker);
  seat.death_watch.Reset();
  const auto status = seat.child.TryReap();
  if (!status) return;
  const sys::Nanos now = sys::Now();
  seat.died_at = reap_clock_.DeathTime(now);
  seat.reaped_at = now;
  scoreboard.counts().reap_seconds.Observe(now - seat.died_at);
  scoreboard.counts().exits[ExitCause(status->signal, status->code)].Add();
  OnChannel(worker);
  Collect(worker);
  seat.channel_watch.Reset();
  seat.channel.Close();
  seat.batch.clear();
  const std::uint32_t touched = life.current.load();
  board.last_exit = status->signal != 0 ? 256 + status->signal : status->code;
  life.state = WorkerState::kDead;
  life.busy = 0;
  if (!leaving_) RescueAll(worker, *status, touched);
  board.pid = 0;
  if (!leaving_) {
    sys::log::Debug("worker {} ended: {}", worker, status->Describe());
    FlushAll();
    const sys::Nanos delay = seat.policy.OnDeath(
        {.at = now, .lived = seat.died_at - seat.started_at, .status = *status, .was_ready = was_ready});
    if (delay == 0) return Spawn(worker);
    sys::log::Warn("worker {} keeps dying young ({}, {} times in a row); next start in {} ms", worker,
                   status->Describe(), seat.policy.young_deaths(), delay / sys::kMillisecond);
    seat.respawn = loop.At(now + delay, [this, worker] { Spawn(worker); });
  }
}

bool Pool::Parent::AllGone() const {
  return std::ranges::none_of(seats_, [](const Seat& seat) { return static_cast<bool>(seat.child); });
}

}  // namespace hydrapool
