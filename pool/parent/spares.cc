#include "pool/parent/spares.h"

#include <sys/socket.h>

#include <utility>
#include <vector>

#include "pool/sys/tcp_counters.h"

namespace hydrapool {
namespace {

constexpr std::size_t kAtOnce = 256;
constexpr sys::Nanos kLookAgain = 50 * sys::kMillisecond;

}  // namespace

Spares::Spares(Leases& leases, Lender& lender, PoolCounts& counts, sys::Nanos spare, sys::Nanos keep_alive)
    : leases_(leases), lender_(lender), counts_(counts), spare_(spare), keep_alive_(keep_alive) {}

bool Spares::MakeRoom() {
  if (CloseNext()) return true;
  if (sys::Now() < look_again_) return false;
  Find();
  if (found_.empty()) look_again_ = sys::Now() + kLookAgain;
  return CloseNext();
}

bool Spares::CloseNext() {
  while (!found_.empty()) {
    const Spare spare = found_.front();
    found_.pop_front();
    if (Close(spare)) return true;
  }
  return false;
}

void Spares::Find() {
  const sys::Nanos long_ago = sys::Now() - spare_;
  std::vector<Spare> idle;
  for (const std::uint32_t slot : leases_.book.OpenSlots()) {
    const LeaseDetail& detail = leases_.table.detail(slot);
    const Lease& lease = leases_.table.lease(slot);
    const Spare spare{.slot = slot,
                      .word = lease.Load(),
                      .idle_since = detail.deadline.load() - keep_alive_,
                      .silent = !detail.answered.load()};
    const bool carries_something =
        spare.word.phase != Phase::kIdle || detail.head_begun.load() || lease.excuse != Excuse::kNone;
    const bool on_its_way = leases_.book.owner(slot) == kNoWorker || detail.deadline.load() == 0;
    if (!carries_something && !on_its_way && spare.idle_since <= long_ago) idle.push_back(spare);
  }
  const auto first = FirstToGo(std::move(idle), kAtOnce);
  found_.assign(first.begin(), first.end());
}

bool Spares::Close(const Spare& spare) {
  const int fd = leases_.book.fd(spare.slot);
  if (leases_.table.lease(spare.slot).Load() != spare.word || sys::BytesWaiting(fd) > 0) return false;
  if (!leases_.TakeIdle(spare.slot)) return false;
  if (sys::BytesWaiting(fd) > 0) {  // it came before no worker could take it up any more
    lender_.LendIdle(spare.slot);
    return false;
  }
  ::shutdown(fd, SHUT_RDWR);  // the worker sees that at once, and lets go of its copy
  leases_.book.Free(spare.slot);
  counts_.idle_closed.Add();
  return true;
}

}  // namespace hydrapool
