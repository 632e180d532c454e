#include "pool/core/parent.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "pool/sys/error.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/signals.h"
#include "pool/sys/tcp_counters.h"

namespace pool {
namespace {

constexpr sys::Nanos kTick = 100 * sys::kMillisecond;
constexpr std::size_t kMostLeases = 16'384;
constexpr std::size_t kOwnDescriptors =
    1024;  // what the parent needs besides connections: mostly processes' ends

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
const Scoreboard& Pool::scoreboard() const { return parent_->scoreboard; }
sys::EventLoop& Pool::loop() const { return parent_->loop; }

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

Pool::Parent::~Parent() = default;

int Pool::Parent::Serve(std::vector<sys::UniqueFd> listeners) {
  RefuseThreads();
  sys::ArmFailpoints();
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
  for (const int ignored : {SIGPIPE, SIGHUP}) ::signal(ignored, SIG_IGN);
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

void Pool::Parent::OnListener(const Listener& listener) {
  for (int i = 0; i < 256 && AcceptOne(listener); ++i) {
  }
}

// False: nobody waits, or none can be taken now.
bool Pool::Parent::AcceptOne(const Listener& listener) {
  if (book_.full()) {  // the backlog holds the rest, until a lease is free
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
    const WorkerSlot& board = scoreboard.slot(i);
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
  const bool answered =
      word.phase == Phase::kClosing ||
      (word.phase == Phase::kResponding && sys::BytesSent(fd) == step.sent_base + step.send &&
       lease.end[word.steps & 1].next != Phase::kExecuting);
  if (!answered && word.phase != Phase::kIdle) {  // in the middle of an answer
    scoreboard.counts().cut.Add();
    sys::ResetConnection(fd);
  } else if (!answered && (sys::BytesWaiting(fd) > 0 || lease.verdict != Verdict::kNone)) {
    scoreboard.counts().unavailable.Add();
    sys::Discard(fd, sys::BytesWaiting(fd));
    const std::string reply = type_.abandoned_reply(Verdict::kUnavailable);
    ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::shutdown(fd, SHUT_WR);
  keeper_.Drop(slot, true);
  book_.Free(slot);
}

void Pool::Parent::Tick() {
  tick_ = loop.At(sys::Now() + kTick, [this] { Tick(); });
  EvenOutLeases();
  if (!waiting_.empty()) ExpireWaiting();
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
      if (PhaseIndex(phase) != PhaseIndex(Phase::kIdle)) scoreboard.counts().lost[PhaseIndex(phase)].Add();
    }
    for (const Seat& seat : seats_) seat.child.Signal(SIGTERM);
  }
  if (leaving_ && late) {
    for (const Seat& seat : seats_) seat.child.Signal(SIGKILL);
  }
  if (leaving_ && AllGone()) stopped_ = true;
}

}  // namespace pool
