// What is kept of a request until it is answered, and who is told that it is.
#include <algorithm>
#include <utility>

#include "pool/shared/lease_table.h"
#include "pool/sys/failpoint.h"
#include "pool/worker/leased_connection.h"

namespace hydrapool {

Docket LeasedConnection::docket() const {
  return {desk_.leases.docket(hand_.slot), hand_.detail.docket_of, hand_.request};
}

void LeasedConnection::TellAnswering(std::string_view first_bytes) {
  if (AnswerWatcher* const watcher = desk_.internals.watcher) watcher->OnAnswering(*this, first_bytes);
}

void LeasedConnection::CloseDocket(bool cut) {
  if (!HasDocket()) return;
  if (AnswerWatcher* const watcher = desk_.internals.watcher) {
    const ProcessWord process = hand_.detail.LoadProcess();
    const bool ended = process.state == ProcessWord::State::kEnded;
    watcher->OnAnswered(*this, {.total_sent = hand_.machine.sent_so_far(),
                                .cut = cut,
                                .process_end = ended ? std::optional<int>(process.value) : std::nullopt});
    HYDRAPOOL_FAILPOINT("worker.told_answered");
  }
  hand_.detail.docket_of.store(0, std::memory_order_release);
}

// Before the commit: after one to kIdle the lease may be another worker's.
void LeasedConnection::CountRequests() {
  const std::uint32_t before = hand_.detail.requests.load(std::memory_order_relaxed);
  const std::uint32_t after = before + std::max(std::exchange(hand_.batched, 0), 1u);
  hand_.detail.requests.store(after, std::memory_order_relaxed);
  if (before < desk_.options.max_requests_per_connection &&
      after >= desk_.options.max_requests_per_connection)
    desk_.board.Hit(Limit::kRequests);
}

// A request that was refused while it waited for its program's turn gives its turn back here: before the
// commit, after which a worker's death would leave it to nobody.
void LeasedConnection::GiveUpTurn() {
  hand_.detail.begun_at.store(0, std::memory_order_relaxed);
  process_.turn().GiveUp();
}

void LeasedConnection::OnThrough() {
  GiveUpTurn();
  CloseDocket(false);
  CountRequests();
}

void AnswerEnd::OnThrough() { connection_.OnThrough(); }

}  // namespace hydrapool
