#include "pool/direct/direct_pool.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "pool/direct/direct_worker.h"
#include "pool/parent/pool.h"
#include "pool/sys/error.h"
#include "pool/sys/file.h"
#include "pool/sys/listen_queue.h"
#include "pool/sys/log.h"
#include "pool/sys/log_file.h"
#include "pool/sys/real_time.h"
#include "pool/sys/signals.h"

namespace hydrapool {
namespace {

constexpr Nanos kTick = 100 * kMillisecond;

}  // namespace

DirectPool::DirectPool(const PoolOptions& options, Dispatch dispatch, HandlerType type)
    : options_(Completed(options)),
      dispatch_(dispatch),
      type_(std::move(type)),
      scoreboard_(options_.workers),
      coroner_(scoreboard_.counts(), scoreboard_.signs(), deaths_),
      dispatcher_(options_.balance),
      seats_(options_.workers) {}

int DirectPool::Serve(std::vector<UniqueFd> listeners) {
  listeners_ = std::move(listeners);
  sys::IgnoreStraySignals();
  PoolCounts& counts = scoreboard_.counts();
  counts.started_at = Now();
  counts.parent = counts.main_process = ::getpid();
  counts.parents.Add();
  scoreboard_.signs().connections_limit = static_cast<std::uint32_t>(options_.max_connections);
  scoreboard_.signs().configured_at = sys::RealTime();
  scoreboard_.signs().CountStart(ProgramStart::kFirst);
  sys::SignalEvents signals(loop_, {SIGTERM, SIGQUIT, SIGINT, SIGCHLD},
                            [this](int signal) { OnSignal(signal); });
  coroner_.Tick();
  FillSeats();
  WatchListeners();
  tick_ = loop_.At(Now() + kTick, [this] { Tick(); });
  while (deadline_ == 0 || !gone()) loop_.RunOnce();
  return 0;
}

bool DirectPool::gone() const {
  return std::ranges::none_of(seats_, [](const Seat& seat) { return static_cast<bool>(seat.child); });
}

// Of the connections, for one worker.
std::size_t DirectPool::share() const {
  return std::max<std::size_t>(1, options_.max_connections / seats_.size());
}

// The edge, and then how many wait: an event may stand for several connections.
void DirectPool::WatchListeners() {
  if (dispatch_ != Dispatch::kNotify) return;
  for (const UniqueFd& listener : listeners_)
    watches_.push_back(loop_.Add(listener.get(), EPOLLIN | EPOLLET, [this](std::uint32_t) { Notify(); }));
}

void DirectPool::FillSeats() {
  if (deadline_ != 0) return;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    if (!seats_[i].child && Now() >= seats_[i].next_start) Start(i);
  }
}

void DirectPool::Start(std::size_t index) {
  Seat& seat = seats_[index];
  WorkerLife& life = scoreboard_.life_of(index);
  life.Begin(static_cast<std::uint32_t>(index), Now());
  scoreboard_.slot(index).incarnation.fetch_add(1);
  seat.welcomed = false;
  try {
    seat.bell.Reset(sys::Check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"));
    seat.child = sys::Child::Fork([this, index] { return Work(index); });
    life.pid = seat.child.pid();
    scoreboard_.slot(index).pid = seat.child.pid();
  } catch (const std::system_error& error) {
    sys::log::Error("worker {} cannot be started: {}; trying again in a second", index, error.what());
    life.state = WorkerState::kDead;
    seat.next_start = Now() + kSecond;
  }
}

// In a new worker: of what the parent holds it keeps the listeners and its own bell.
int DirectPool::Work(std::size_t index) {
  std::vector<int> listeners;
  for (const UniqueFd& each : listeners_) listeners.push_back(each.get());
  std::vector<int> kept = sys::LogFile::Descriptors();
  kept.insert(kept.end(), listeners.begin(), listeners.end());
  kept.push_back(seats_[index].bell.get());
  sys::CloseAllBut(std::move(kept));
  const bool notified = dispatch_ == Dispatch::kNotify;
  DirectWorker worker({.scoreboard = scoreboard_,
                       .seat = index,
                       .listeners = listeners,
                       .bell = notified ? seats_[index].bell.get() : -1,
                       .most_connections = share()},
                      options_, type_);
  return worker.Run();
}

std::vector<WorkerLoad> DirectPool::Loads() const {
  std::vector<WorkerLoad> loads;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    const WorkerLife& life = scoreboard_.life_of(i);
    const auto told = static_cast<std::uint32_t>(life.told - life.taken);
    const std::uint32_t leases = scoreboard_.slot(i).leases + told;
    loads.push_back({.ready = life.state == WorkerState::kReady && leases < share(),
                     .executing = life.busy + told,
                     .leases = leases});
  }
  return loads;
}

std::uint64_t DirectPool::Outstanding() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    const WorkerLife& life = scoreboard_.life_of(i);
    if (life.state == WorkerState::kReady) sum += life.told - life.taken;
  }
  return sum;
}

// First the length of the queue, then what workers were told and have not taken: so one that accepts
// meanwhile makes a note too many, never one too few. A note too many finds nothing, and costs a call.
void DirectPool::Notify() {
  std::uint64_t waiting = 0;
  for (const UniqueFd& listener : listeners_)
    waiting += sys::ReadListenQueue(listener.get()).value_or(sys::ListenQueue{.length = 1}).length;
  for (std::uint64_t told = Outstanding(); told < waiting; ++told) {
    const auto chosen = dispatcher_.Choose(Loads());
    if (!chosen) return;  // Tick tries again
    ++scoreboard_.life_of(*chosen).told;
    ::eventfd_write(seats_[*chosen].bell.get(), 1);
  }
}

void DirectPool::Reap() {
  const Nanos stamp = sys::SignalEvents::TakeChildStamp();
  while (const auto dead = sys::NextDeadChild()) {
    const auto seat = std::ranges::find_if(
        seats_, [&dead](const Seat& each) { return each.child && each.child.pid() == dead->pid; });
    if (seat == seats_.end()) {
      sys::ReapChild(dead->pid);
    } else {
      OnDeath(static_cast<std::size_t>(seat - seats_.begin()), dead->status, stamp == 0 ? Now() : stamp);
    }
  }
  FillSeats();
  if (dispatch_ == Dispatch::kNotify && deadline_ == 0) Notify();  // of what the dead one was told
}

void DirectPool::OnDeath(std::size_t index, const sys::ExitStatus& status, Nanos died_at) {
  constexpr int kSignalled = 256;
  Seat& seat = seats_[index];
  WorkerLife& life = scoreboard_.life_of(index);
  WorkerSlot& slot = scoreboard_.slot(index);
  PoolCounts& counts = scoreboard_.counts();
  const bool was_ready = life.ready_at != 0;
  seat.child.TryReap();
  seat.reaped_at = Now();
  counts.reap_seconds.Observe(seat.reaped_at - died_at);
  const Toll before = Toll::Of(counts);
  const std::uint32_t busy = std::min(life.busy.load(), slot.leases.load());
  counts.lost[PhaseIndex(Phase::kReading)].Add(busy);
  counts.lost[PhaseIndex(Phase::kIdle)].Add(slot.leases - busy);
  coroner_.TellWorker(life, coroner_.JudgeWorker(life, status), status, Toll::Of(counts).Since(before));
  slot.last_exit = status.signal != 0 ? kSignalled + status.signal : status.code;
  slot.pid = 0;
  slot.leases = 0;
  life.busy = 0;
  life.state = WorkerState::kDead;
  const Nanos delay =
      seat.policy.OnDeath({.lived = died_at - life.started_at, .status = status, .was_ready = was_ready});
  seat.next_start = seat.reaped_at + delay;
}

void DirectPool::OnSignal(int signal) {
  if (signal == SIGCHLD) return Reap();
  const bool first = deadline_ == 0;
  Drain(signal == SIGQUIT && first   ? INT64_MAX
        : first && signal == SIGTERM ? Now() + options_.timeouts.drain
                                     : 1);
}

void DirectPool::Drain(Nanos deadline) {
  const bool first = std::exchange(deadline_, deadline) == 0;
  if (first) {
    sys::log::Info("draining: {} connections open", scoreboard_.counts().open_leases.load());
    scoreboard_.bell().pool_drains = 1;
    scoreboard_.signs().draining = true;
    watches_.clear();
    listeners_.clear();
  }
  for (const Seat& seat : seats_) {
    if (seat.child) seat.child.Signal(Now() >= deadline ? SIGKILL : SIGTERM);
  }
}

void DirectPool::Tick() {
  tick_ = loop_.At(Now() + kTick, [this] { Tick(); });
  sys::log::TellDropped();
  sys::LogFile::RefreshAll();
  coroner_.Tick();
  if (deadline_ != 0 && Now() >= deadline_) Drain(deadline_);
  FillSeats();
  if (dispatch_ == Dispatch::kNotify && deadline_ == 0) Notify();
  PoolCounts& counts = scoreboard_.counts();
  std::uint32_t open = 0;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    open += scoreboard_.slot(i).leases;
    const WorkerLife& life = scoreboard_.life_of(i);
    if (seats_[i].welcomed || life.ready_at == 0 || !seats_[i].child) continue;
    seats_[i].welcomed = true;
    if (seats_[i].reaped_at != 0) counts.respawn_seconds.Observe(life.ready_at - seats_[i].reaped_at);
  }
  counts.open_leases = open;
}

}  // namespace hydrapool
