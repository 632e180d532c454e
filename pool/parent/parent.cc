#include "pool/parent/parent.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "pool/supervisor/supervisor.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/inheritance.h"
#include "pool/sys/log.h"
#include "pool/sys/real_time.h"
#include "pool/sys/signals.h"
#include "pool/sys/tcp_counters.h"
#include "pool/sys/tcp_self_test.h"
#include "pool/worker/worker.h"

namespace hydrapool {
namespace {

constexpr sys::Nanos kTick = 100 * sys::kMillisecond;
constexpr unsigned kTicksEachSurvey = 10;

/// Closes every descriptor but 0 to 2 and those given, which keep their numbers.
void CloseAllBut(std::array<int, 4> kept) {
  std::ranges::sort(kept);
  unsigned first = 3;
  for (const int fd : kept) {
    if (fd < 3) continue;
    const auto number = static_cast<unsigned>(fd);
    if (first < number) ::syscall(SYS_close_range, first, number - 1, 0);
    first = number + 1;
  }
  ::syscall(SYS_close_range, first, ~0u, 0);
}

}  // namespace

Pool::Parent::Parent(const PoolOptions& asked, HandlerType type)
    : options(asked),
      estate_(options),
      use_estate_(std::in_place, estate_.heap()),
      scoreboard(options.workers, Seats::Leaving(estate_.workers()), estate_.workers()),
      type_(std::move(type)),
      life_(1),
      leases_(estate_.connections(), scoreboard.lives().size(), loop, scoreboard.counts()),
      seats_(scoreboard, estate_.connections()),
      lender_(leases_, seats_, scoreboard, options.balance),
      rescuer_(leases_, seats_, lender_, scoreboard.counts(), fates, type_.abandoned_reply),
      spares_(leases_, lender_, scoreboard.counts(), options.timeouts.spare, options.timeouts.keep_alive),
      bell_(scoreboard.bell(), estate_.TakeBell()),
      crew_(loop, scoreboard, life_[0], leases_, seats_, lender_, rescuer_, deaths, options.timeouts.stall,
            options.supervised ? nullptr : &oom_score_,
            [this](WorkerHandle& self, sys::Channel channel) { return Work(self, std::move(channel)); }),
      recycler_(seats_, options.recycling, life_[0]),
      listeners_(loop, scoreboard.counts(),
                 {.has_room = [this] { return !leases_.book.full(); },
                  .make_room = [this] { return spares_.MakeRoom(); },
                  .let_in = [this](sys::UniqueFd connection,
                                   bool counted) { LetIn(std::move(connection), counted); }}) {
  leases_.book.Limit(options.max_connections);
  use_estate_.reset();
  estate_.Seal();
}

Pool::Parent::~Parent() { sys::log::CountDroppedIn(nullptr); }

int Pool::Parent::Serve(std::vector<sys::UniqueFd> listeners) {
  if (sys::inheritance::OnTrial()) return 0;
  sys::ArmFailpoints();
  sys::log::CountDroppedIn(&scoreboard.counts().log_dropped);
  if (const std::string failing = sys::VerifyTcpCounters(); !failing.empty()) {
    rescuer_.DistrustCounters();
    sys::log::Warn(
        "this kernel's TCP counters cannot be relied on ({}): the workers count, and a large answer of a "
        "program whose worker dies in the moment of sending is cut",
        failing);
  }
  sys::IgnoreStraySignals();
  if (!estate_.found()) scoreboard.counts().started_at = sys::Now();
  scoreboard.signs().connections_limit = static_cast<std::uint32_t>(options.max_connections);
  scoreboard.signs().configured_at = sys::RealTime();
  scoreboard.Use(options.workers);
  life_[0].workers = static_cast<std::uint32_t>(options.workers);
  life_[0].program.fetch_add(1);
  HoldListeners(std::move(listeners));
  if (estate_.found()) sys::log::Info("the pool lives on under a new program: all connections are kept");
  return options.supervised ? Supervise() : Live();
}

// Those of the program before that this one does not want are retired.
void Pool::Parent::HoldListeners(std::vector<sys::UniqueFd> listeners) {
  std::vector<int> retired;
  for (sys::UniqueFd& fd : sys::inheritance::TakeListening()) {
    const auto is_it = [&fd](const std::atomic<int>& noted) { return noted == fd.get() + 1; };
    if (std::ranges::any_of(life_[0].listeners, is_it)) retired.push_back(fd.Release());
  }
  listeners_.Hold(std::move(listeners));
  listeners_.Retire(retired);
  for (auto& noted : life_[0].listeners) noted = 0;
  std::vector<int> held = listeners_.Numbers();
  held.insert(held.end(), retired.begin(), retired.end());
  for (std::size_t i = 0; i < std::min(held.size(), life_[0].listeners.size()); ++i)
    life_[0].listeners[i] = held[i] + 1;
}

int Pool::Parent::Supervise() {
  constexpr int kBesideConnections = 1024;
  std::vector<int> handed;
  if (estate_.found()) {
    estate_.succession()->TakeName();
    handed = estate_.succession()->TakeHanded();
  }
  listeners_.AppendNoted(handed);
  audit_.emplace(static_cast<int>(options.max_connections) + kBesideConnections, std::move(handed));
  const int code = Supervisor(life_[0], oom_score_,
                              {.parent = [this] { return Live(); },
                               .descriptors = [this] { return audit_->Since(); },
                               .most_workers = scoreboard.most_workers(),
                               .succession = estate_.succession()})
                       .Run();
  audit_->Unknown({}).clear();
  estate_.lifeline().CloseUpper();  // ends the workers that a parent given up has left
  return code;
}

// Of one parent, from its beginning to its end.
int Pool::Parent::Live() {
  PoolLife& life = life_[0];
  if (options.supervised) TakeOver();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (options.supervised) ::prctl(PR_SET_PDEATHSIG, SIGCHLD);  // to notice it at once
  sys::SignalEvents signals(loop, {SIGTERM, SIGQUIT, SIGINT, SIGCHLD},
                            [this](int signal) { OnSignal(signal); });
  PoolCounts& counts = scoreboard.counts();
  counts.parent = ::getpid();
  counts.main_process = options.supervised ? life.supervisor.load() : ::getpid();
  counts.parents.Add();
  bell_.Watch(loop);
  if (life.stage >= PoolStage::kLeaving) crew_.Dismiss();
  Resize();
  crew_.FillSeats();
  if (life.stage == PoolStage::kServing) listeners_.Open();
  tick_ = loop.At(sys::Now() + kTick, [this] { Tick(); });
  life.serves = true;
  Obey();
  crew_.Reap();
  crew_.Listen();
  while (life.stage != PoolStage::kStopped) Round();
  counts.parent = counts.main_process = 0;
  leases_.keeper.KillAll();
  crew_.KillAll();
  return 0;
}

// Nothing may be opened before all that the parent before has opened is known.
void Pool::Parent::TakeOver() {
  leases_.book.Adopt();
  leases_.keeper.Adopt(life_[0].supervisor);
  seats_.Adopt();
  if (life_[0].closing) listeners_.FinishClose();
  std::vector<int> noted;
  leases_.book.AppendNoted(noted);
  leases_.keeper.AppendNoted(noted);
  seats_.AppendNoted(noted);
  listeners_.AppendNoted(noted);
  std::vector<sys::UniqueFd> newcomers = audit_->Unknown(noted);
  std::erase_if(newcomers, [this](const sys::UniqueFd& fd) { return !listeners_.HasAccepted(fd.get()); });
  loop.Reopen();
  crew_.CountUnknown(leases_.keeper.Resume());
  crew_.Adopt();
  for (sys::UniqueFd& newcomer : newcomers) {
    const bool counted = sys::KernelCounts(newcomer.get());
    LetIn(std::move(newcomer), counted);
  }
}

// In a new worker.
int Pool::Parent::Work(WorkerHandle& self, sys::Channel channel) {
  const int lifeline =
      options.supervised ? sys::Lifeline::Tie(estate_.lifeline().PathOfLower().c_str(), ::getpid()) : -1;
  CloseAllBut({channel.fd(), bell_.fd(), estate_.lifeline().lower(), lifeline});
  ::prctl(PR_SET_DUMPABLE, options.core_dumps ? 1 : 0);
  Worker worker({.table = leases_.table,
                 .scoreboard = scoreboard,
                 .ring = self.ring(),
                 .life = self.number(),
                 .channel = std::move(channel),
                 .doorbell = bell_.Inherit(),
                 .parent = options.supervised ? 0 : scoreboard.counts().parent.load(),
                 .lifeline = options.supervised ? estate_.lifeline().PathOfLower() : ""},
                options, type_);
  return worker.Run();
}

void Pool::Parent::Round() {
  if (life_[0].pause) Pause();
  Resize();
  lender_.FlushAll();
  crew_.BeforeSleep();
  bell_.Sleep(loop, [this] { return crew_.HasNews(); });
  life_[0].beat = loop.now();
  crew_.Reap();
  crew_.Listen();
  if (crew_.TakeWelcome()) recycler_.Look(loop.now());
  lender_.LendWaiting();
  listeners_.OnRoom();
  if (life_[0].stage != PoolStage::kServing) EndDrain();
}

void Pool::Parent::Tick() {
  tick_ = loop.At(sys::Now() + kTick, [this] { Tick(); });
  sys::log::TellDropped();
  NoticeOrphanhood();
  crew_.Watch();
  recycler_.Look(sys::Now());
  lender_.EvenOut();
  ExpireWaiting();
  listeners_.Measure();
  TakeVitalSigns();
  PoolLife& life = life_[0];
  if (life.stage == PoolStage::kServing && life.notice_until != 0 && sys::Now() >= life.notice_until)
    BeginDrain(life.quits > 0 ? INT64_MAX : sys::Now() + options.timeouts.drain);
  scoreboard.counts().bodies = static_cast<std::uint32_t>(leases_.table.bodies().bodies());
  scoreboard.counts().bodies_in_memory = static_cast<std::uint32_t>(leases_.table.bodies().in_memory());
  if (life_[0].stage != PoolStage::kServing) CloseIdle();
}

void Pool::Parent::TakeVitalSigns() {
  VitalSigns& signs = scoreboard.signs();
  signs.waiting_since = lender_.waiting_since();
  if (!listeners_.wants_room()) {
    signs.full_since = 0;
  } else if (signs.full_since == 0) {
    signs.full_since = sys::Now();
  }
  if (++ticks_ % kTicksEachSurvey != 0) return;
  crew_.SumUp();
  leases_.Survey(signs);
}

// It becomes the supervisor: by executing the program anew, for what this process has in memory is a
// parent's. Where that cannot be it serves on without one, and is told to end itself.
void Pool::Parent::NoticeOrphanhood() {
  PoolLife& life = life_[0];
  if (life.supervisor == 0 || ::getppid() == life.supervisor) return;
  std::string why = "nothing can follow it";
  if (const Succession* succession = estate_.succession(); succession && life.stage == PoolStage::kServing) {
    sys::log::Warn("the supervisor has ended: process {} takes its place", ::getpid());
    life.parent = ::getpid();
    why = std::generic_category().message(succession->Execute(Succession::Itself(), audit_->Since()));
  }
  sys::log::Error("the supervisor has ended: serving on without one, as process {} ({})", ::getpid(), why);
  life.supervisor = 0;
  scoreboard.counts().main_process = ::getpid();
}

// Another program takes over, and ends this process. Should it fail, all goes on as before.
void Pool::Parent::Pause() {
  constexpr sys::Nanos kLongest = 10 * sys::kSecond;
  PoolLife& life = life_[0];
  const sys::Nanos late = sys::Now() + kLongest;
  for (life.pauses = true; life.pause && ::getppid() == life.supervisor;) {
    if (sys::Now() > late) ::kill(life.supervisor, SIGKILL);
    life.beat = sys::Now();
    const timespec moment{0, 100'000};
    ::nanosleep(&moment, nullptr);
  }
  life.pause = life.pauses = false;
}

void Pool::Parent::Resize() {
  const std::size_t wanted = life_[0].workers;
  if (wanted == seats_.wanted()) return;
  seats_.Want(wanted);
  scoreboard.Use(wanted);
  crew_.FillSeats();
}

void Pool::Parent::LetIn(sys::UniqueFd connection, bool counted) {
  const bool ledger = !counted || !rescuer_.trusts_counters();
  if (const auto slot = leases_.book.Open(connection, loop.now(), ledger)) lender_.LendIdle(*slot);
}

void Pool::Parent::ExpireWaiting() {
  const sys::Nanos then = sys::Now() - options.timeouts.unassigned;
  while (const auto slot = lender_.TakeExpired(then)) rescuer_.TellUnavailable(*slot);
}

// With a supervisor it is that one's signals that count: a terminal's come to both.
void Pool::Parent::OnSignal(int signal) {
  if (signal == SIGCHLD) {
    crew_.ChildDied();
    return NoticeOrphanhood();
  }
  PoolLife& life = life_[0];
  if (life.supervisor == 0) {
    if (signal == SIGTERM) life.terms.fetch_add(1);
    if (signal == SIGQUIT) life.quits.fetch_add(1);
    if (signal == SIGINT) life.interrupts.fetch_add(1);
  }
  Obey();
}

void Pool::Parent::Obey() {
  PoolLife& life = life_[0];
  if (life.quits > 0 && life.stage == PoolStage::kServing && !GiveNotice()) BeginDrain(INT64_MAX);
  for (; life.terms_obeyed < life.terms; life.terms_obeyed.fetch_add(1)) {
    const bool first = life.stage == PoolStage::kServing && life.notice_until == 0;
    if (!first || !GiveNotice()) BeginDrain(sys::Now() + (first ? options.timeouts.drain : 0));
  }
  if (life.interrupts > 0) life.stage = PoolStage::kStopped;
}

// False: it drains without notice, or notice has been given.
bool Pool::Parent::GiveNotice() {
  PoolLife& life = life_[0];
  scoreboard.signs().draining = true;
  const sys::Nanos now = sys::Now();
  if (life.notice_until == 0 && options.timeouts.drain_notice > 0) {
    sys::log::Info("draining in {} s: not ready any more", sys::ToSeconds(options.timeouts.drain_notice));
    life.notice_until = now + options.timeouts.drain_notice;
  }
  return now < life.notice_until;
}

// No more connections; those that are open are answered with a close, idle ones end now, and when none is
// left (or the deadline has come) the workers are told to go.
void Pool::Parent::BeginDrain(sys::Nanos deadline) {
  PoolLife& life = life_[0];
  life.drain_deadline = deadline;
  if (life.stage != PoolStage::kServing) return;
  sys::log::Info("draining: {} connections open", leases_.book.open());
  scoreboard.bell().pool_drains = 1;
  scoreboard.signs().draining = true;
  life.closing = true;
  listeners_.Close();  // who waits in the backlog has been let in by the kernel, and may have asked already
  life.stage = PoolStage::kDraining;
  CloseIdle();
}

void Pool::Parent::CloseIdle() {
  LeaseBook& book = leases_.book;
  for (const std::uint32_t slot : book.OpenSlots()) {
    const bool waits = book.owner(slot) == LeaseBook::kNoWorker;
    if (waits || sys::BytesWaiting(book.fd(slot)) > 0 || !book.Take(slot)) continue;
    ::shutdown(book.fd(slot), SHUT_WR);
    book.Free(slot);
  }
}

void Pool::Parent::EndDrain() {
  PoolLife& life = life_[0];
  const bool late = sys::Now() >= life.drain_deadline;
  if (life.stage == PoolStage::kDraining && (leases_.book.open() == 0 || late)) {
    crew_.Dismiss();
    for (const std::uint32_t slot : leases_.book.OpenSlots()) rescuer_.NoteLost(slot);
    life.stage = PoolStage::kLeaving;
  }
  if (life.stage != PoolStage::kLeaving) return;
  if (!std::exchange(told_to_leave_, true)) crew_.Signal(SIGTERM);
  if (late) crew_.Signal(SIGKILL);
  if (crew_.gone()) life.stage = PoolStage::kStopped;
}

}  // namespace hydrapool
