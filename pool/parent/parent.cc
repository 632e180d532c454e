#include "pool/parent/parent.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "pool/shared/launchers.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/file.h"
#include "pool/sys/inheritance.h"
#include "pool/sys/log.h"
#include "pool/sys/log_file.h"
#include "pool/sys/real_time.h"
#include "pool/sys/service.h"
#include "pool/sys/signals.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"
#include "pool/sys/tcp_self_test.h"
#include "pool/worker/worker.h"

namespace hydrapool {
namespace {

constexpr sys::Nanos kTick = 100 * sys::kMillisecond;
constexpr unsigned kTicksEachSurvey = 10;

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
      report_(scoreboard, life_[0]),
      listeners_(loop, scoreboard.counts(),
                 {.has_room = [this] { return !leases_.book.full(); },
                  .make_room = [this] { return spares_.MakeRoom(); },
                  .let_in = [this](sys::UniqueFd connection,
                                   bool counted) { LetIn(std::move(connection), counted); }}) {
  leases_.book.Limit(options.max_connections);
  leases_.book.peers().Limit(options.max_per_address);
  use_estate_.reset();
  estate_.Seal();
}

Pool::Parent::~Parent() {
  sys::log::CountDroppedIn(nullptr);
  sys::LogFile::TurnBy(nullptr);
}

int Pool::Parent::Serve(std::vector<sys::UniqueFd> listeners) {
  if (sys::inheritance::OnTrial()) return 0;
  sys::ArmFailpoints();
  sys::log::CountDroppedIn(&scoreboard.counts().log_dropped);
  sys::LogFile::TurnBy(&scoreboard.counts().log_turns);
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
  const ProgramStart why = WhyItStarts();
  scoreboard.signs().CountStart(why);
  // What was asked for since outlives the supervisor.
  if (why != ProgramStart::kSupervisorDied) life_[0].workers = static_cast<std::uint32_t>(options.workers);
  scoreboard.Use(life_[0].workers);
  life_[0].program.fetch_add(1);
  HoldListeners(std::move(listeners));
  sys::service::Open();
  if (estate_.found()) sys::log::Info("the pool lives on under a new program: all connections are kept");
  return options.supervised ? Supervise() : Live();
}

ProgramStart Pool::Parent::WhyItStarts() const {
  const PoolLife& life = life_[0];
  if (!estate_.found()) return ProgramStart::kFirst;
  if (life.supervisor != ::getpid()) return ProgramStart::kSupervisorDied;
  return life.upgrades ? ProgramStart::kUpgrade : ProgramStart::kReload;
}

// Of one parent, from its beginning to its end.
int Pool::Parent::Live() {
  PoolLife& life = life_[0];
  if (options.supervised) TakeOver();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (options.supervised) ::prctl(PR_SET_PDEATHSIG, SIGCHLD);  // to notice it at once
  sys::SignalEvents signals(loop, {SIGTERM, SIGQUIT, SIGINT, SIGUSR1, SIGCHLD},
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
  NoticeOrphanhood();  // a death before PR_SET_PDEATHSIG was told to nobody
  Obey();
  crew_.Reap();
  crew_.MournUntold();
  crew_.Listen();
  while (life.stage != PoolStage::kStopped) Round();
  counts.parent = counts.main_process = 0;
  leases_.keeper.KillAll();
  crew_.KillAll();
  return 0;
}

// In a new worker.
int Pool::Parent::Work(WorkerHandle& self, sys::Channel channel) {
  const int lifeline =
      options.supervised ? sys::Lifeline::Tie(estate_.lifeline().PathOfLower().c_str(), ::getpid()) : -1;
  std::vector<int> kept = sys::LogFile::Descriptors();
  std::ranges::copy(launchers::Descriptors(), std::back_inserter(kept));
  kept.insert(kept.end(), {channel.fd(), bell_.fd(), estate_.lifeline().lower(), lifeline});
  sys::CloseAllBut(std::move(kept));
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
  if (life_[0].handover == Handover::kAsked) Pause();
  Resize();
  lender_.FlushAll();
  crew_.BeforeSleep();
  bell_.Sleep(loop, [this] { return crew_.HasNews(); });
  life_[0].beat = loop.now();
  crew_.Reap();
  crew_.Listen();
  if (crew_.TakeWelcome()) {
    recycler_.Look(loop.now());
    report_.Look(loop.now());
  }
  lender_.LendWaiting();
  listeners_.OnRoom();
  if (life_[0].stage != PoolStage::kServing) EndDrain();
}

void Pool::Parent::Tick() {
  tick_ = loop.At(sys::Now() + kTick, [this] { Tick(); });
  sys::log::TellDropped();
  sys::LogFile::RefreshAll();
  NoticeOrphanhood();
  crew_.Watch();
  recycler_.Look(sys::Now());
  report_.Look(sys::Now());
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
  scoreboard.counts().processes_waited_for = static_cast<std::uint32_t>(leases_.table.line().size());
  VitalSigns& signs = scoreboard.signs();
  signs.waiting_since = lender_.waiting_since();
  signs.refused = life_[0].refused.load();
  if (!listeners_.wants_room()) {
    signs.full_since = 0;
  } else if (signs.full_since == 0) {
    signs.full_since = sys::Now();
  }
  if (++ticks_ % kTicksEachSurvey != 0) return;
  crew_.SumUp();
  leases_.Survey(signs);
}

void Pool::Parent::Resize() {
  const std::size_t wanted = life_[0].workers;
  if (wanted == seats_.wanted()) return;
  seats_.Want(wanted);
  scoreboard.Use(wanted);
  crew_.FillSeats();
}

void Pool::Parent::LetIn(sys::UniqueFd connection, bool counted) {
  if (!leases_.book.peers().Admits(connection.get())) {
    scoreboard.counts().address_refused.Add();
    return sys::ResetConnection(connection.get());
  }
  const bool ledger = !counted || !rescuer_.trusts_counters();
  const auto slot = leases_.book.Open(connection, loop.now(), ledger);
  if (!slot) return;
  leases_.quarantine.Forget(*slot);
  const auto hold = leases_.quarantine.Hold(*slot);
  lender_.LendIdle(*slot);
}

void Pool::Parent::ExpireWaiting() {
  const sys::Nanos then = sys::Now() - options.timeouts.unassigned;
  while (const auto slot = lender_.TakeExpired(then)) {
    const auto hold = leases_.quarantine.Hold(*slot);
    rescuer_.TellUnavailable(*slot);
  }
}

// With a supervisor it is that one's signals that count: a terminal's come to both.
void Pool::Parent::OnSignal(int signal) {
  if (signal == SIGCHLD) {
    crew_.ChildDied();
    return NoticeOrphanhood();
  }
  PoolLife& life = life_[0];
  if (signal == SIGUSR1) {
    if (life.supervisor == 0) sys::LogFile::AskForTurn();
    return sys::LogFile::RefreshAll();
  }
  if (life.supervisor == 0) {
    if (signal == SIGTERM) life.terms.fetch_add(1);
    if (signal == SIGQUIT) life.quits.fetch_add(1);
    if (signal == SIGINT) life.interrupts.fetch_add(1);
  }
  Obey();
}

}  // namespace hydrapool
