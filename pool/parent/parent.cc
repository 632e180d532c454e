#include "pool/parent/parent.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "pool/parent/pool.h"
#include "pool/sys/error.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/signals.h"
#include "pool/sys/tcp_counters.h"
#include "pool/sys/tcp_self_test.h"

namespace hydrapool {
namespace {

constexpr sys::Nanos kTick = 100 * sys::kMillisecond;
constexpr std::size_t kMostLeases = 16'384;
constexpr std::size_t kOwnDescriptors = 1152;  // besides connections: mostly processes' ends

/// Raises the soft limit of open files to the hard one and says what it is.
std::size_t RaiseFileLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

PoolOptions Completed(PoolOptions options) {
  if (options.workers == 0) options.workers = std::max(2u, std::thread::hardware_concurrency());
  const std::size_t files = RaiseFileLimit();
  const std::size_t most = files > 2 * kOwnDescriptors ? files - kOwnDescriptors : files / 2;
  if (options.max_connections == 0) options.max_connections = std::min(most, kMostLeases);
  options.max_connections = std::min(options.max_connections, most);
  return options;
}

void RefuseThreads() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  const auto count = std::distance(begin(tasks), end(tasks));
  if (count > 1) {
    throw std::logic_error(
        "a pool must start before any thread: a worker is a copy of this process, and would copy "
        "locks that a thread holds; threads running now: " +
        std::to_string(count - 1));
  }
}

}  // namespace

Pool::Pool(const PoolOptions& options, HandlerType type)
    : parent_(std::make_unique<Parent>(options, std::move(type))) {}
Pool::~Pool() = default;
int Pool::Serve(std::vector<sys::UniqueFd> listeners) { return parent_->Serve(std::move(listeners)); }
void Pool::Stop() const {
  if (const pid_t pid = parent_->pid.load(); pid > 0) ::kill(pid, SIGTERM);
}
EventLoop& Pool::loop() const { return parent_->loop; }
const Scoreboard& ScoreboardOf(const Pool& pool) { return pool.parent().scoreboard; }
const FateJournal& FatesOf(const Pool& pool) { return pool.parent().fates; }

Pool::Parent::Parent(const PoolOptions& asked, HandlerType type)
    : options(Completed(asked)),
      scoreboard(options.workers),
      type_(std::move(type)),
      table_(options.max_connections),
      book_(table_, options.workers),
      keeper_(loop, table_, scoreboard.counts()),
      dispatcher_(options.balance),
      doorbell_(sys::Check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      seats_(options.workers) {
  for (std::size_t i = 0; i < options.workers; ++i)
    rings_.push_back(std::make_unique<ReturnRing>(table_.size()));
}

Pool::Parent::~Parent() { sys::log::CountDroppedIn(nullptr); }

int Pool::Parent::Serve(std::vector<sys::UniqueFd> listeners) {
  RefuseThreads();
  sys::ArmFailpoints();
  sys::log::CountDroppedIn(&scoreboard.counts().log_dropped);
  if (const std::string failing = sys::VerifyTcpCounters(); !failing.empty()) {
    counters_known_ = false;
    sys::log::Warn(
        "this kernel's TCP counters cannot be relied on ({}): an answer whose worker dies while it is sent "
        "will be cut and counted, not finished",
        failing);
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sys::SignalEvents signals(loop, {SIGTERM, SIGQUIT, SIGINT, SIGCHLD},
                            [this](int signal) { OnSignal(signal); });
  sys::IgnoreStraySignals();
  pid = ::getpid();
  scoreboard.counts().started_at = sys::Now();
  doorbell_watch_ = loop.Add(doorbell_.get(), EPOLLIN, [this](std::uint32_t) {
    std::uint64_t rings;
    [[maybe_unused]] const auto ignored = ::read(doorbell_.get(), &rings, sizeof rings);
  });
  for (sys::UniqueFd& fd : listeners)
    listeners_.push_back(std::make_unique<Listener>(Listener{std::move(fd), {}}));
  for (std::size_t worker = 0; worker < seats_.size(); ++worker) Spawn(worker);
  ResumeListeners();
  tick_ = loop.At(sys::Now() + kTick, [this] { Tick(); });
  while (!stopped_) Round();
  pid = 0;
  for (Seat& seat : seats_) {  // whoever is left is killed and reaped
    seat.death_watch.Reset();
    seat.channel_watch.Reset();
    seat.child = sys::Child();
  }
  return 0;
}

void Pool::Parent::Round() {
  FlushAll();
  Doorbell& bell = scoreboard.bell();
  reap_clock_.BeforeSleep(sys::Now());
  bell.parent_sleeps.store(1);
  // What a worker did before it could see that the parent sleeps rings no bell.
  bool returned = false;
  for (std::size_t i = 0; i < seats_.size() && !returned; ++i)
    returned = !rings_[i]->empty() || StateIsNews(i);
  loop.RunOnce(returned ? std::optional<sys::Nanos>(0) : std::nullopt);
  bell.parent_sleeps.store(0);
  if (children_died_) ReapAll();
  for (std::size_t worker = 0; worker < seats_.size(); ++worker) {
    Collect(worker);
    NoticeState(worker);
  }
  if (!waiting_.empty()) AssignWaiting();
  if (wants_lease_ && !book_.full()) {
    wants_lease_ = false;
    ResumeListeners();
  }
  if (draining_) EndDrain();
}

void Pool::Parent::Tick() {
  tick_ = loop.At(sys::Now() + kTick, [this] { Tick(); });
  sys::log::TellDropped();
  EvenOutLeases();
  if (!waiting_.empty()) ExpireWaiting();
  if (wants_lease_ && std::ranges::any_of(listeners_, [](const auto& l) { return SomebodyWaits(*l); }))
    MakeRoom();
  if (draining_) CloseIdle();
}

void Pool::Parent::OnSignal(int signal) {
  switch (signal) {
    case SIGCHLD:
      children_died_ = true;
      break;
    case SIGTERM:
      BeginDrain(draining_ ? sys::Now() : sys::Now() + options.timeouts.drain);
      break;
    case SIGQUIT:
      BeginDrain(INT64_MAX);
      break;
    case SIGINT:
      stopped_ = true;
      break;
    default:
      break;
  }
}

// No more connections; those that are open are answered with a close, idle ones end now, and when none is
// left (or the deadline has come) the workers are told to go.
void Pool::Parent::BeginDrain(sys::Nanos deadline) {
  drain_deadline_ = deadline;
  if (draining_) return;
  draining_ = true;
  sys::log::Info("draining: {} connections open", book_.open());
  scoreboard.bell().pool_drains = 1;
  // Who waits in the backlog has been let in by the kernel, and may have asked already.
  for (const auto& listener : listeners_) {
    while (AcceptOne(*listener)) {
    }
  }
  listeners_.clear();
  CloseIdle();
}

void Pool::Parent::CloseIdle() {
  for (const std::uint32_t slot : book_.OpenSlots()) {
    const bool waits = book_.owner(slot) == LeaseBook::kNobody;
    if (waits || sys::BytesWaiting(book_.fd(slot)) > 0 || !book_.Take(slot)) continue;
    ::shutdown(book_.fd(slot), SHUT_WR);
    book_.Free(slot);
  }
}

void Pool::Parent::EndDrain() {
  const bool late = sys::Now() >= drain_deadline_;
  if (!leaving_ && (book_.open() == 0 || late)) {
    leaving_ = true;
    for (const std::uint32_t slot : book_.OpenSlots()) {
      const Phase phase = table_.lease(slot).Load().phase;
      if (PhaseIndex(phase) == PhaseIndex(Phase::kIdle)) continue;
      scoreboard.counts().lost[PhaseIndex(phase)].Add();
      NoteFate(slot, phase, Fate::Kind::kLost);
    }
    for (const Seat& seat : seats_) seat.child.Signal(SIGTERM);
  }
  if (leaving_ && late) {
    for (const Seat& seat : seats_) seat.child.Signal(SIGKILL);
  }
  if (leaving_ && AllGone()) stopped_ = true;
}

}  // namespace hydrapool
