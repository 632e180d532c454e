// The workers' lives as the parent sees them: start, readiness, death, rescue of what they held.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "pool/core/parent.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"

namespace pool {
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

/// Deaths that a request can have caused: crashes and limits. A kill from outside is none.
bool IsToBlame(const sys::ExitStatus& status) {
  constexpr std::array crashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU};
  return status.signal != 0 ? std::ranges::find(crashes, status.signal) != crashes.end() : status.code != 0;
}

}  // namespace

void Pool::Parent::Spawn(std::size_t worker) {
  if (leaving_) return;
  Seat& seat = seats_[worker];
  WorkerSlot& board = scoreboard.slot(worker);
  board.incarnation.fetch_add(1);
  board.busy = 0;
  board.current = 0;
  board.taken = 0;
  board.ready_at = 0;
  board.first_reply_at = 0;
  board.state = WorkerState::kStarting;
  seat.told = 0;
  seat.seen_ready = false;
  seat.emptied = false;
  seat.started_at = sys::Now();
  const pid_t parent = ::getpid();
  try {
    auto [ours, theirs] = sys::MakeChannel();
    seat.child = sys::Child::Fork([&, &channel = theirs] {
      CloseAllBut(channel.fd(), doorbell_.get());
      if (!options.core_dumps) ::prctl(PR_SET_DUMPABLE, 0);
      Worker self(table_, scoreboard, *rings_[worker], worker, std::move(channel), std::move(doorbell_),
                  parent, options.timeouts, type_);
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
    board.state = WorkerState::kDead;
    seat.respawn = loop.At(sys::Now() + sys::kSecond, [this, worker] { Spawn(worker); });
  }
}

bool Pool::Parent::StateIsNews(std::size_t worker) const {
  const Seat& seat = seats_[worker];
  if (!seat.child) return false;
  const WorkerState state = scoreboard.slot(worker).state.load();
  return (!seat.seen_ready && state != WorkerState::kStarting) ||
         (!seat.emptied && state == WorkerState::kDraining);
}

void Pool::Parent::NoticeState(std::size_t worker) {
  Seat& seat = seats_[worker];
  if (!seat.child) return;
  const WorkerSlot& board = scoreboard.slot(worker);
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
  const bool was_ready = seat.seen_ready || board.state.load() != WorkerState::kStarting;
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
  const std::uint32_t touched = board.current.load();
  board.last_exit = status->signal != 0 ? 256 + status->signal : status->code;
  board.state = WorkerState::kDead;
  board.busy = 0;
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

void Pool::Parent::RescueAll(std::size_t worker, const sys::ExitStatus& status, std::uint32_t touched) {
  const bool to_blame = IsToBlame(status);
  for (const std::uint32_t slot : book_.SlotsOf(static_cast<std::uint32_t>(worker))) {
    // A crash outside of any call of ours: an execution's own callback, so any of those may be to blame.
    const bool suspect = touched == 0 && table_.lease(slot).Load().phase == Phase::kExecuting;
    RescueLease(slot, to_blame, touched == slot + 1 || (to_blame && suspect));
  }
}

void Pool::Parent::RescueLease(std::uint32_t slot, bool to_blame, bool touched) {
  const int fd = book_.fd(slot);
  const Lease& lease = table_.lease(slot);
  const LeaseWord word = lease.Load();
  if (HYDRAPOOL_FAILPOINT_SKIPS("parent.rescue") && word.phase != Phase::kClosed)
    return LoseLease(slot, word.phase);
  LeaseBook::Record& record = book_.record(slot, word.steps);
  const StepEnd before = lease.end[(word.steps + 1) & 1];
  const bool same = word.steps > 0 && before.next == Phase::kExecuting;
  Orphan orphan{.word = word,
                .step = lease.step[word.steps & 1],
                .end = lease.end[word.steps & 1],
                .sent = std::nullopt,
                .consumed = std::nullopt,
                .began_once = same && before.once,
                .answer_begun = same && !before.interim && lease.step[(word.steps + 1) & 1].send > 0,
                .process_running = keeper_.CloseGate(slot),
                .touched = touched,
                .to_blame = to_blame,
                .strikes = record.strikes,
                .rescues = record.rescues};
  if (counters_known_ && (word.phase == Phase::kResponding || word.phase == Phase::kFeeding)) {
    orphan.sent = sys::BytesSent(fd);
    orphan.consumed = sys::BytesConsumed(fd);
  }
  const Rescue rescue = DecideRescue(orphan);
  PoolCounts& counts = scoreboard.counts();
  switch (rescue.action) {
    case Rescue::Action::kFree:
      keeper_.Drop(slot, table_.detail(slot).terminate.load());
      book_.Free(slot);
      return;
    case Rescue::Action::kCut:
      counts.cut.Add();
      NoteFate(slot, word.phase, Fate::Kind::kCut);
      sys::ResetConnection(fd);
      keeper_.Drop(slot, true);
      book_.Free(slot);
      return;
    case Rescue::Action::kLease:
      break;
  }
  if (rescue.verdict == Verdict::kNone) {
    counts.rescued[PhaseIndex(word.phase)].Add();
    if (PhaseIndex(word.phase) != PhaseIndex(Phase::kIdle)) NoteFate(slot, word.phase, Fate::Kind::kRescued);
  } else {
    const bool poison = rescue.verdict == Verdict::kPoison;
    (poison ? counts.poison : counts.abandoned).Add();
    NoteFate(slot, word.phase, poison ? Fate::Kind::kPoison : Fate::Kind::kAbandoned);
    sys::log::Warn("{}: {}", sys::PeerAddress(fd),
                   poison ? "a request that kills workers was stopped"
                          : "a request was abandoned: its worker died while it ran");
  }
  record.strikes = rescue.strikes;
  if (touched) ++record.rescues;
  if (rescue.word.phase == Phase::kIdle || rescue.word.phase == Phase::kClosing) {
    keeper_.Drop(slot, rescue.verdict != Verdict::kNone || table_.detail(slot).terminate.load());
    table_.detail(slot).process = 0;
    table_.detail(slot).terminate = false;
    if (rescue.verdict == Verdict::kNone && word.phase != Phase::kIdle && word.phase != Phase::kReading) {
      table_.detail(slot).handler = {};
    }
  }
  book_.Relend(slot, rescue.word, rescue.verdict);
  Assign({.slot = slot,
          .generation = lease.Load().generation,
          .step_consumed = static_cast<std::uint32_t>(rescue.step_consumed),
          .step_sent = static_cast<std::uint32_t>(rescue.step_sent)});
}

// What a server without rescue does (tests only).
void Pool::Parent::LoseLease(std::uint32_t slot, Phase phase) {
  if (PhaseIndex(phase) != PhaseIndex(Phase::kIdle)) scoreboard.counts().lost[PhaseIndex(phase)].Add();
  NoteFate(slot, phase, Fate::Kind::kLost);
  keeper_.Drop(slot, true);
  book_.Free(slot);
}

void Pool::Parent::NoteFate(std::uint32_t slot, Phase phase, Fate::Kind kind) {
  Fate fate{.at = sys::Now(), .peer = sys::PeerAddress(book_.fd(slot)), .phase = phase, .kind = kind};
  if (const std::uint32_t owner = book_.owner(slot); owner != LeaseBook::kNobody) {
    fate.worker = owner;
    fate.pid = scoreboard.slot(owner).pid;
  }
  fates.Add(std::move(fate));
}

bool Pool::Parent::AllGone() const {
  return std::ranges::none_of(seats_, [](const Seat& seat) { return static_cast<bool>(seat.child); });
}

}  // namespace pool
