#include "pool/worker/worker_desk.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "pool/shared/lease_table.h"
#include "pool/sys/await.h"
#include "pool/sys/clock.h"
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

ParentLink::ParentLink(ReturnRing& ring, Doorbell& bell, sys::Channel channel, sys::UniqueFd doorbell,
                       std::chrono::milliseconds patience)
    : ring_(ring),
      bell_(bell),
      channel_(std::move(channel)),
      doorbell_(std::move(doorbell)),
      patience_(patience) {}

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

bool ParentLink::Say(const ToParent& message, std::span<const int> descriptors) {
  const bool said =
      channel_.Send(std::as_bytes(std::span(&message, 1)), descriptors) != sys::Channel::SendStatus::kFull;
  patient_ |= said;
  return said;
}

bool ParentLink::FlushOutbox() {
  while (!outbox_.empty()) {
    if (!Say(outbox_.front(), {})) return false;
    outbox_.pop_front();
  }
  return true;
}

bool ParentLink::Tell(const ToParent& message, std::span<const int> descriptors) {
  const auto say = [&] { return FlushOutbox() && Say(message, descriptors); };
  if (say()) return true;
  if (message.kind != ToParent::Kind::kOffer) {
    outbox_.push_back(message);
    return false;
  }
  const sys::Nanos deadline = sys::Now() + sys::ToNanos(patience_);
  while (patient_ && sys::Now() < deadline) {
    const std::chrono::nanoseconds left(deadline - sys::Now());
    if (sys::Await(channel_.fd(), POLLOUT, std::chrono::ceil<std::chrono::milliseconds>(left)) && say())
      return true;
    ::poll(nullptr, 0, 1);  // there may be room, but too many descriptors on their way
  }
  patient_ = false;
  return false;
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
