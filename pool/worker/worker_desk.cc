#include "pool/worker/worker_desk.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "pool/shared/lease_table.h"
#include "pool/sys/failpoint.h"

namespace hydrapool {
namespace {

constexpr std::size_t kMostInput = std::size_t{128} * 1024;

std::size_t FileLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace

std::size_t MostProcesses(std::size_t files, std::size_t connections, std::size_t workers) {
  constexpr std::size_t kOwn = 64;        // loop, signals, listeners, clients of --admin and --control
  constexpr std::size_t kEachWorker = 2;  // channel and pidfd
  constexpr std::size_t kEach = kProcessEnds;
  const std::size_t taken = connections + kOwn + kEachWorker * workers;
  return files > taken + kEach ? (files - taken) / kEach : 1;
}

bool WorkerContext::pool_drains() const {
  return internals.bell.pool_drains.load(std::memory_order_relaxed) != 0;
}

ParentLink::ParentLink(ReturnRing& ring, Doorbell& bell, sys::Channel channel, sys::UniqueFd doorbell)
    : ring_(ring), bell_(bell), channel_(std::move(channel)), doorbell_(std::move(doorbell)) {}

void ParentLink::RingIf(std::atomic<std::uint32_t>& flag) {
  if (flag.load() == 0 || flag.exchange(0) == 0) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto ignored = ::write(doorbell_.get(), &one, sizeof one);
}

void ParentLink::Return(ReturnRing::Item item) {
  ring_.Put(item);
  HYDRAPOOL_FAILPOINT("worker.returned");
  RingIf(bell_.parent_sleeps);
}

bool ParentLink::FlushOutbox() {
  while (!outbox_.empty()) {
    if (channel_.Send(std::as_bytes(std::span(&outbox_.front(), 1)), {}) == sys::Channel::SendStatus::kFull)
      return false;
    outbox_.pop_front();
  }
  return true;
}

bool ParentLink::Tell(const ToParent& message, std::span<const int> descriptors) {
  const bool now = FlushOutbox() && channel_.Send(std::as_bytes(std::span(&message, 1)), descriptors) !=
                                        sys::Channel::SendStatus::kFull;
  if (!now && message.kind != ToParent::Kind::kOffer) outbox_.push_back(message);
  return now;
}

WorkerDesk::WorkerDesk(WorkerSeat seat, const PoolOptions& asked, const HandlerType& type)
    : leases(seat.table),
      life(seat.scoreboard.lives()[seat.life]),
      board(seat.scoreboard.slot(life.slot)),
      options(asked),
      internals{seat.parent,
                seat.lifeline,
                board,
                seat.scoreboard.counts(),
                seat.scoreboard.bell(),
                MostProcesses(FileLimit(), options.max_connections, seat.scoreboard.lives().size()),
                nullptr,
                &seat.scoreboard},
      context{life.slot, board.incarnation.load(), loop, internals},
      link(seat.ring, seat.scoreboard.bell(), std::move(seat.channel), std::move(seat.doorbell)),
      peek_buffer(std::clamp<std::size_t>(options.max_input, 1, kMostInput)),
      speaks_first(type.speaks_first),
      handler(type.make(context)) {}

}  // namespace hydrapool
