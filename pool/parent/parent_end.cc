// How a pool comes to its end.
#include <signal.h>
#include <sys/socket.h>

#include <utility>

#include "pool/parent/parent.h"
#include "pool/sys/log.h"
#include "pool/sys/tcp_counters.h"

namespace hydrapool {

void Pool::Parent::Obey() {
  PoolLife& life = records.life[0];
  if (life.quits > 0 && life.stage == PoolStage::kServing && !GiveNotice()) BeginDrain(INT64_MAX);
  for (; life.terms_obeyed < life.terms; life.terms_obeyed.fetch_add(1)) {
    const bool first = life.stage == PoolStage::kServing && life.notice_until == 0;
    if (!first || !GiveNotice()) BeginDrain(sys::Now() + (first ? options.timeouts.drain : 0));
  }
  if (life.interrupts > 0) life.stage = PoolStage::kStopped;
  if (life.stage == PoolStage::kStopped) report_.Look(sys::Now());
}

// False: it drains without notice, or notice has been given.
bool Pool::Parent::GiveNotice() {
  PoolLife& life = records.life[0];
  records.scoreboard.signs().draining = true;
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
  PoolLife& life = records.life[0];
  life.drain_deadline = deadline;
  if (life.stage != PoolStage::kServing) return;
  sys::log::Info("draining: {} connections open", lending_.leases.book.open());
  records.scoreboard.bell().pool_drains = 1;
  records.scoreboard.signs().draining = true;
  life.closing = true;
  listeners_.Close();  // who waits in the backlog has been let in by the kernel, and may have asked already
  life.stage = PoolStage::kDraining;
  report_.Look(sys::Now());
  CloseIdle();
}

void Pool::Parent::CloseIdle() {
  Leases& leases = lending_.leases;
  LeaseBook& book = leases.book;
  for (const std::uint32_t slot : book.OpenSlots()) {
    const bool waits = book.owner(slot) == kNoWorker;
    if (waits || sys::BytesWaiting(book.fd(slot)) > 0 || !leases.TakeIdle(slot)) continue;
    ::shutdown(book.fd(slot), SHUT_WR);
    book.Free(slot);
  }
}

void Pool::Parent::EndDrain() {
  PoolLife& life = records.life[0];
  const bool late = sys::Now() >= life.drain_deadline;
  if (life.stage == PoolStage::kDraining && (lending_.leases.book.open() == 0 || late)) {
    crew_.Dismiss();
    for (const std::uint32_t slot : lending_.leases.book.OpenSlots()) lending_.rescuer.NoteLost(slot);
    life.stage = PoolStage::kLeaving;
  }
  if (life.stage != PoolStage::kLeaving) return;
  crew_.TellAllToLeave();
  if (late) crew_.Signal(SIGKILL);
  if (crew_.gone()) life.stage = PoolStage::kStopped;
}

}  // namespace hydrapool
