#include "pool/parent/parent.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "pool/shared/launchers.h"
#include "pool/shared/process_cgroups.h"
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
      records(options, estate_.workers()),
      type_(std::move(type)),
      lending_(loop, records.scoreboard, records.fates, estate_.connections(), options,
               type_.abandoned_reply),
      bell_(records.scoreboard.bell(), estate_.TakeBell()),
      crew_(loop, records.scoreboard, records.life[0], lending_.leases, lending_.seats, lending_.lender,
            lending_.rescuer, records.deaths, options.timeouts.stall,
            {.work = [this](WorkerHandle& self,
                            sys::Channel channel) { return Work(self, std::move(channel)); },
             .oom_score = options.supervised ? nullptr : &oom_score_}),
      recycler_(lending_.seats, options.recycling, records.life[0]),
      report_(records.scoreboard, records.life[0]),
      listeners_(loop, records.scoreboard.counts(),
                 {.has_room = [this] { return !lending_.leases.book.full(); },
                  .make_room = [this] { return lending_.spares.MakeRoom(); },
                  .let_in = [this](sys::UniqueFd connection,
                                   bool counted) { LetIn(std::move(connection), counted); }}) {
  lending_.leases.book.peers().Limit(options.max_per_address);
  estate_.Seal();
}

Pool::Parent::~Parent() {
  sys::log::CountDroppedIn(nullptr);
  sys::LogFile::TurnBy(nullptr);
}

int Pool::Parent::Serve(std::vector<sys::UniqueFd> listeners) {
  if (sys::inheritance::OnTrial()) return 0;
  sys::ArmFailpoints();
  sys::log::CountDroppedIn(&records.scoreboard.counts().log_dropped);
  sys::LogFile::TurnBy(&records.scoreboard.counts().log_turns);
  if (const std::string failing = sys::VerifyTcpCounters(); !failing.empty()) {
    lending_.rescuer.DistrustCounters();
    sys::log::Warn(
        "this kernel's TCP counters cannot be relied on ({}): the workers count, and a large answer of a "
        "program whose worker dies in the moment of sending is cut",
        failing);
  }
  sys::IgnoreStraySignals();
  if (!estate_.found()) records.scoreboard.counts().started_at = sys::Now();
  records.scoreboard.signs().connections_limit = static_cast<std::uint32_t>(options.max_connections);
  records.scoreboard.signs().configured_at = sys::RealTime();
  const ProgramStart why = WhyItStarts();
  records.scoreboard.signs().CountStart(why);
  // What was asked for since outlives the supervisor.
  PoolLife& life = records.life[0];
  if (why != ProgramStart::kSupervisorDied) life.workers = static_cast<std::uint32_t>(options.workers);
  records.scoreboard.Use(life.workers);
  life.program.fetch_add(1);
  HoldListeners(std::move(listeners));
  sys::service::Open();
  if (estate_.found()) sys::log::Info("the pool lives on under a new program: all connections are kept");
  return options.supervised ? Supervise() : Live();
}

ProgramStart Pool::Parent::WhyItStarts() const {
  const PoolLife& life = records.life[0];
  if (!estate_.found()) return ProgramStart::kFirst;
  if (life.supervisor != ::getpid()) return ProgramStart::kSupervisorDied;
  return life.upgrades ? ProgramStart::kUpgrade : ProgramStart::kReload;
}

// Of one parent, from its beginning to its end.
int Pool::Parent::Live() {
  PoolLife& life = records.life[0];
  if (options.supervised) TakeOver();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (options.supervised) ::prctl(PR_SET_PDEATHSIG, SIGCHLD);  // to notice it at once
  sys::SignalEvents signals(loop, {SIGTERM, SIGQUIT, SIGINT, SIGUSR1, SIGCHLD},
                            [this](int signal) { OnSignal(signal); });
  PoolCounts& counts = records.scoreboard.counts();
  counts.parent = ::getpid();
  counts.main_process = options.supervised ? life.supervisor.load() : ::getpid();
  counts.parents.Add();
  bell_.Watch(loop);
  crew_.SumUp();
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
  lending_.leases.keeper.KillAll();
  crew_.KillAll();
  const ProcessCgroups* const cgroups = ProcessCgroups::OfPool();
  // The supervisor is gone, in whose process it would be done.
  if (cgroups != nullptr && options.supervised && life.supervisor == 0) cgroups->Leave();
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
  Worker worker({.table = lending_.leases.table,
                 .scoreboard = records.scoreboard,
                 .ring = self.line().ring(),
                 .life = self.number(),
                 .channel = std::move(channel),
                 .doorbell = bell_.Inherit(),
                 .parent = options.supervised ? 0 : records.scoreboard.counts().parent.load(),
                 .lifeline = options.supervised ? estate_.lifeline().PathOfLower() : ""},
                options, type_);
  return worker.Run();
}

void Pool::Parent::Round() {
  if (records.life[0].handover == Handover::kAsked) Pause();
  Resize();
  lending_.lender.FlushAll();
  crew_.BeforeSleep();
  bell_.Sleep(loop, [this] { return crew_.HasNews(); });
  records.life[0].beat = loop.now();
  crew_.Reap();
  crew_.Listen();
  if (crew_.TakeWelcome()) {
    recycler_.Look(loop.now());
    report_.Look(loop.now());
  }
  lending_.lender.LendWaiting();
  listeners_.OnRoom();
  if (records.life[0].stage != PoolStage::kServing) EndDrain();
}

void Pool::Parent::Tick() {
  tick_ = loop.At(sys::Now() + kTick, [this] { Tick(); });
  sys::log::TellDropped();
  sys::LogFile::RefreshAll();
  NoticeOrphanhood();
  crew_.Watch();
  recycler_.Look(sys::Now());
  report_.Look(sys::Now());
  lending_.lender.EvenOut();
  ExpireWaiting();
  listeners_.Measure();
  TakeVitalSigns();
  PoolLife& life = records.life[0];
  if (life.stage == PoolStage::kServing && life.notice_until != 0 && sys::Now() >= life.notice_until)
    BeginDrain(life.quits > 0 ? INT64_MAX : sys::Now() + options.timeouts.drain);
  records.scoreboard.counts().bodies = static_cast<std::uint32_t>(lending_.leases.table.bodies().bodies());
  records.scoreboard.counts().bodies_in_memory =
      static_cast<std::uint32_t>(lending_.leases.table.bodies().in_memory());
  if (records.life[0].stage != PoolStage::kServing) CloseIdle();
}

void Pool::Parent::TakeVitalSigns() {
  records.scoreboard.counts().processes_waited_for =
      static_cast<std::uint32_t>(lending_.leases.table.line().size());
  VitalSigns& signs = records.scoreboard.signs();
  signs.waiting_since = lending_.lender.waiting_since();
  signs.refused = records.life[0].refused.load();
  if (!listeners_.wants_room()) {
    signs.full_since = 0;
  } else if (signs.full_since == 0) {
    signs.full_since = sys::Now();
  }
  if (++ticks_ % kTicksEachSurvey != 0) return;
  crew_.SumUp();
  lending_.leases.Survey(signs);
}

void Pool::Parent::Resize() {
  const std::size_t wanted = records.life[0].workers;
  if (wanted == lending_.seats.wanted()) return;
  lending_.seats.Want(wanted);
  records.scoreboard.Use(wanted);
  crew_.FillSeats();
}

void Pool::Parent::LetIn(sys::UniqueFd connection, bool counted) {
  if (!lending_.leases.book.peers().Admits(connection.get())) {
    records.scoreboard.counts().address_refused.Add();
    return sys::ResetConnection(connection.get());
  }
  const bool ledger = !counted || !lending_.rescuer.trusts_counters();
  const auto slot = lending_.leases.book.Open(connection, loop.now(), ledger);
  if (!slot) return;
  lending_.leases.quarantine.Forget(*slot);
  const auto hold = lending_.leases.quarantine.Hold(*slot);
  lending_.lender.LendIdle(*slot);
}

void Pool::Parent::ExpireWaiting() {
  const sys::Nanos then = sys::Now() - options.timeouts.unassigned;
  while (const auto slot = lending_.lender.TakeExpired(then)) {
    const auto hold = lending_.leases.quarantine.Hold(*slot);
    lending_.rescuer.TellUnavailable(*slot);
  }
}

// With a supervisor it is that one's signals that count: a terminal's come to both.
void Pool::Parent::OnSignal(int signal) {
  if (signal == SIGCHLD) {
    crew_.ChildDied();
    return NoticeOrphanhood();
  }
  PoolLife& life = records.life[0];
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
