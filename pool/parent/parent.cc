#include "pool/parent/parent.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/signals.h"
#include "pool/sys/tcp_counters.h"
#include "pool/sys/tcp_self_test.h"
#include "pool/worker/worker.h"

namespace hydrapool {
namespace {

constexpr sys::Nanos kTick = 100 * sys::kMillisecond;

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

Pool::Parent::Parent(const PoolOptions& asked, HandlerType type)
    : options(asked),
      scoreboard(options.workers, Seats::Leaving(options.workers)),
      type_(std::move(type)),
      leases_(options.max_connections, scoreboard.lives().size(), loop, scoreboard.counts()),
      seats_(scoreboard, options.max_connections),
      lender_(leases_, seats_, scoreboard, options.balance),
      rescuer_(leases_, seats_, lender_, scoreboard.counts(), fates, type_.abandoned_reply),
      spares_(leases_, lender_, scoreboard.counts(), options.timeouts.spare, options.timeouts.keep_alive),
      bell_(scoreboard.bell()),
      crew_(loop, scoreboard, leases_, seats_, lender_, rescuer_, options.timeouts.stall,
            [this](WorkerHandle& self, sys::Channel channel) { return Work(self, std::move(channel)); }),
      listeners_(loop, scoreboard.counts(),
                 {.has_room = [this] { return !leases_.book.full(); },
                  .make_room = [this] { return spares_.MakeRoom(); },
                  .let_in = [this](sys::UniqueFd connection,
                                   bool counted) { LetIn(std::move(connection), counted); }}) {}

Pool::Parent::~Parent() { sys::log::CountDroppedIn(nullptr); }

int Pool::Parent::Serve(std::vector<sys::UniqueFd> listeners) {
  sys::ArmFailpoints();
  sys::log::CountDroppedIn(&scoreboard.counts().log_dropped);
  if (const std::string failing = sys::VerifyTcpCounters(); !failing.empty()) {
    rescuer_.DistrustCounters();
    sys::log::Warn(
        "this kernel's TCP counters cannot be relied on ({}): the workers count, and a large answer of a "
        "program whose worker dies in the moment of sending is cut",
        failing);
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sys::SignalEvents signals(loop, {SIGTERM, SIGQUIT, SIGINT, SIGCHLD},
                            [this](int signal) { OnSignal(signal); });
  sys::IgnoreStraySignals();
  scoreboard.counts().parent = ::getpid();
  scoreboard.counts().started_at = sys::Now();
  bell_.Watch(loop);
  crew_.FillSeats();
  listeners_.Open(std::move(listeners));
  tick_ = loop.At(sys::Now() + kTick, [this] { Tick(); });
  while (ending_.stage != Stage::kStopped) Round();
  scoreboard.counts().parent = 0;
  crew_.KillAll();
  return 0;
}

// In a new worker.
int Pool::Parent::Work(WorkerHandle& self, sys::Channel channel) {
  CloseAllBut(channel.fd(), bell_.fd());
  ::prctl(PR_SET_DUMPABLE, options.core_dumps ? 1 : 0);
  Worker worker({.table = leases_.table,
                 .scoreboard = scoreboard,
                 .ring = self.ring(),
                 .life = self.number(),
                 .channel = std::move(channel),
                 .doorbell = bell_.Inherit(),
                 .parent = scoreboard.counts().parent},
                options, type_);
  return worker.Run();
}

void Pool::Parent::Round() {
  lender_.FlushAll();
  crew_.BeforeSleep();
  bell_.Sleep(loop, [this] { return crew_.HasNews(); });
  crew_.Reap();
  crew_.Listen();
  lender_.LendWaiting();
  listeners_.OnRoom();
  if (ending_.stage != Stage::kServing) EndDrain();
}

void Pool::Parent::Tick() {
  tick_ = loop.At(sys::Now() + kTick, [this] { Tick(); });
  sys::log::TellDropped();
  crew_.Watch();
  lender_.EvenOut();
  ExpireWaiting();
  listeners_.Measure();
  scoreboard.counts().bodies = static_cast<std::uint32_t>(leases_.table.bodies().bodies());
  scoreboard.counts().bodies_in_memory = static_cast<std::uint32_t>(leases_.table.bodies().in_memory());
  if (ending_.stage != Stage::kServing) CloseIdle();
}

void Pool::Parent::LetIn(sys::UniqueFd connection, bool counted) {
  const auto slot = leases_.book.Open(connection, loop.now());
  if (!slot) return;
  if (!counted || !rescuer_.trusts_counters()) leases_.book.KeepLedger(*slot);
  lender_.LendIdle(*slot);
}

void Pool::Parent::ExpireWaiting() {
  const sys::Nanos then = sys::Now() - options.timeouts.unassigned;
  while (const auto slot = lender_.TakeExpired(then)) rescuer_.TellUnavailable(*slot);
}

void Pool::Parent::OnSignal(int signal) {
  switch (signal) {
    case SIGCHLD:
      crew_.ChildDied();
      break;
    case SIGTERM:
      BeginDrain(ending_.stage == Stage::kServing ? sys::Now() + options.timeouts.drain : sys::Now());
      break;
    case SIGQUIT:
      BeginDrain(INT64_MAX);
      break;
    case SIGINT:
      ending_.stage = Stage::kStopped;
      break;
    default:
      break;
  }
}

// No more connections; those that are open are answered with a close, idle ones end now, and when none is
// left (or the deadline has come) the workers are told to go.
void Pool::Parent::BeginDrain(sys::Nanos deadline) {
  ending_.deadline = deadline;
  if (ending_.stage != Stage::kServing) return;
  ending_.stage = Stage::kDraining;
  sys::log::Info("draining: {} connections open", leases_.book.open());
  scoreboard.bell().pool_drains = 1;
  listeners_.Close();  // who waits in the backlog has been let in by the kernel, and may have asked already
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
  const bool late = sys::Now() >= ending_.deadline;
  if (ending_.stage == Stage::kDraining && (leases_.book.open() == 0 || late)) {
    ending_.stage = Stage::kLeaving;
    crew_.Dismiss();
    for (const std::uint32_t slot : leases_.book.OpenSlots()) rescuer_.NoteLost(slot);
    crew_.Signal(SIGTERM);
  }
  if (ending_.stage != Stage::kLeaving) return;
  if (late) crew_.Signal(SIGKILL);
  if (crew_.gone()) ending_.stage = Stage::kStopped;
}

}  // namespace hydrapool
