// What a leased connection is made of, and how it goes on where another worker has left it in the middle of a
// request.
#include <utility>

#include "pool/shared/lease_table.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"
#include "pool/worker/leased_connection.h"

namespace hydrapool {

using Progress = Exchange::Progress;

LeaseInHand::LeaseInHand(WorkerDesk& desk, std::uint32_t slot_of, std::uint32_t generation_of,
                         sys::UniqueFd socket, RequestProcess& process, StepWatcher& watcher)
    : slot(slot_of),
      generation(generation_of),
      fd(std::move(socket)),
      lease(desk.leases.lease(slot)),
      detail(desk.leases.detail(slot)),
      slab(desk.leases.slab(slot)),
      io(fd.get(), detail.keeps_ledger ? &desk.leases.ledger(slot) : nullptr, process, watcher, desk.round),
      machine(lease, detail, generation, io, desk.options.timeouts.write),
      part(detail.part.load(std::memory_order_relaxed)) {}

LeasedConnection::LeasedConnection(WorkerDesk& desk, std::uint32_t slot, std::uint32_t generation,
                                   sys::UniqueFd fd)
    : desk_(desk),
      hand_(desk, slot, generation, std::move(fd), process_, answer_end_),
      answer_end_(*this),
      process_(*this),
      exchange_(*this) {}

LeasedConnection::~LeasedConnection() {
  exchange_.End();
  watch_.Reset();
  process_.StopWatching();
}

std::string LeasedConnection::peer() const { return sys::PeerAddress(hand_.fd.get()); }
std::string LeasedConnection::local() const { return sys::LocalAddress(hand_.fd.get()); }
bool LeasedConnection::IsLast(std::uint64_t request) const {
  if (desk_.options.max_requests_per_connection != 0 &&
      hand_.detail.requests.load(std::memory_order_relaxed) + hand_.batched + 1 >=
          desk_.options.max_requests_per_connection)
    return true;
  return desk_.context.pool_drains() && sys::BytesWaiting(hand_.fd.get()) <= request;
}

void LeasedConnection::TakeNotes() const {
  LeaseDetail& detail = hand_.detail;
  if (UsesNotes()) return;
  detail.handler = {};
  detail.begun_at.store(desk_.loop.now(), std::memory_order_relaxed);
  detail.notes_of.store(hand_.request, std::memory_order_release);
}

void LeasedConnection::Misuse(std::string_view what) {
  if (activity_ == Activity::kGone) return;
  sys::log::Error("{}: {}: the connection is reset", peer(), what);
  Abort();
}

void LeasedConnection::TakeOver(const ToWorker& message, std::array<sys::UniqueFd, kProcessEnds> ends,
                                LeaseWord word) {
  if (!hand_.lease.TakeUp(word)) return Leave();
  SetBusy(true);
  hand_.request = hand_.detail.notes_of.load(std::memory_order_relaxed);
  if (word.phase == Phase::kResponding) hand_.batched = hand_.lease.end[word.steps & 1].requests;
  hand_.machine.Resume(message.step_sent, message.step_consumed, hand_.slab.data());
  if (word.phase == Phase::kClosing) return BeginClosing();

  process_.TakeOver(std::move(ends));
  activity_ = Activity::kExecuting;
  if (process_.held()) {
    exchange_.Begin(desk_.handler->Resume(exchange_));
    if (exchange_.execution() == nullptr) return Misuse("the handler resumed no execution");
  }
  switch (word.phase) {
    case Phase::kResponding:
      if (CarryOn() == Progress::kComplete && AfterStep() == Next::kAgain) Serve();
      break;
    case Phase::kFeeding:
      if (CarryOnFeeding() == Progress::kComplete) AfterStep();
      break;
    case Phase::kExecuting:
      if (exchange_.execution() != nullptr) exchange_.execution()->OnStepDone();
      break;
    default:
      Close();
  }
  if (hand_.fd) Watch();
  DoTick(Now());
}

}  // namespace hydrapool
