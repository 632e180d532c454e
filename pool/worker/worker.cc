#include "pool/worker/worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "pool/sys/child.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/signals.h"

namespace hydrapool {
namespace {

constexpr std::size_t kPeek = 32 * 1024;
constexpr sys::Nanos kSweep = 250 * sys::kMillisecond;

std::size_t FileLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace

std::size_t MostProcesses(std::size_t files, std::size_t connections, std::size_t workers) {
  constexpr std::size_t kOwn = 32;        // loop, signals, listeners, the admin endpoint's clients
  constexpr std::size_t kEachWorker = 2;  // channel and pidfd
  constexpr std::size_t kEach = kProcessEnds + 1;
  const std::size_t taken = connections + kOwn + kEachWorker * workers;
  return files > taken + kEach ? (files - taken) / kEach : 1;
}

WorkerDesk::WorkerDesk(LeaseTable& table, Scoreboard& scoreboard, ReturnRing& ring, std::size_t number,
                       sys::Channel channel, sys::UniqueFd doorbell, pid_t parent, const Timeouts& limits)
    : leases(table),
      board(scoreboard.slot(scoreboard.lives()[number].slot)),
      life(scoreboard.lives()[number]),
      timeouts(limits),
      context{life.slot,
              board.incarnation.load(),
              parent,
              loop,
              board,
              scoreboard.counts(),
              scoreboard.bell(),
              MostProcesses(FileLimit(), table.size(), scoreboard.workers())},
      peek_buffer(kPeek),
      channel_(std::move(channel)),
      bell_(scoreboard.bell()),
      ring_(ring),
      doorbell_(std::move(doorbell)) {}

void WorkerDesk::RingIf(std::atomic<std::uint32_t>& flag) {
  if (flag.load() == 0 || flag.exchange(0) == 0) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto ignored = ::write(doorbell_.get(), &one, sizeof one);
}

void WorkerDesk::Return(ReturnRing::Item item) {
  ring_.Put(item);
  HYDRAPOOL_FAILPOINT("worker.returned");
  RingIf(bell_.parent_sleeps);
}

bool WorkerDesk::FlushOutbox() {
  while (!outbox_.empty()) {
    if (channel_.Send(std::as_bytes(std::span(&outbox_.front(), 1)), {}) == sys::Channel::SendStatus::kFull)
      return false;
    outbox_.pop_front();
  }
  return true;
}

bool WorkerDesk::Tell(const ToParent& message, std::span<const int> descriptors) {
  const bool now = FlushOutbox() && channel_.Send(std::as_bytes(std::span(&message, 1)), descriptors) !=
                                        sys::Channel::SendStatus::kFull;
  if (!now && message.kind != ToParent::Kind::kOffer) outbox_.push_back(message);
  return now;
}

Worker::Worker(LeaseTable& table, Scoreboard& scoreboard, ReturnRing& ring, std::size_t number,
               sys::Channel channel, sys::UniqueFd doorbell, pid_t parent, const Timeouts& limits,
               const HandlerType& type)
    : WorkerDesk(table, scoreboard, ring, number, std::move(channel), std::move(doorbell), parent, limits),
      connections_(table.size()) {
  handler = type.make(context);
  abandoned_reply = type.abandoned_reply;
  channel_watch_ = loop.Add(channel_.fd(), EPOLLIN, [this](std::uint32_t) { OnChannel(); });
}

Worker::~Worker() = default;

int Worker::Run() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != context.parent) return 0;
  sys::SignalEvents signals(loop, {SIGTERM, SIGQUIT}, [this](int signal) { OnSignal(signal); });
  sys::IgnoreStraySignals();
  ::signal(SIGINT, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  life.ready_at.store(sys::Now(), std::memory_order_relaxed);
  life.state.store(WorkerState::kReady);
  RingIf(bell_.parent_sleeps);
  while (!parent_gone_ && !(draining && !InHand())) {
    loop.RunOnce();
    EndRound();
  }
  FlushOutbox();
  return 0;
}

bool Worker::InHand() const {
  return std::ranges::any_of(connections_, [](const auto& each) { return each && !each->idle(); });
}

void Worker::OnSignal(int signal) {
  if (draining) return;
  sys::log::Debug("worker {} leaves ({})", context.slot, sys::SignalName(signal));
  draining = true;
  life.state.store(WorkerState::kDraining);
  for (const auto& each : connections_) {
    if (each && each->idle()) each->Leave();  // the parent takes the lease itself when it sees the state
  }
  RingIf(bell_.parent_sleeps);
}

void Worker::OnChannel() {
  alignas(ToWorker) std::array<std::byte, sys::Channel::kMaxPacket> buffer;
  while (auto packet = channel_.Receive(buffer)) {
    if (packet->bytes.empty()) {
      parent_gone_ = true;
      return;
    }
    HYDRAPOOL_FAILPOINT("worker.received");
    std::size_t next = 0;
    for (std::size_t at = 0; at + sizeof(ToWorker) <= packet->bytes.size(); at += sizeof(ToWorker)) {
      ToWorker message;
      std::memcpy(&message, packet->bytes.data() + at, sizeof message);
      if (message.kind == ToWorker::Kind::kLease) {
        TakeLease(message, packet->descriptors, next);
      } else if (const auto& held = connections_[message.slot];
                 held && held->generation() == message.generation) {
        held->OnProcessEnd();
      }
      life.taken.store(life.taken.load(std::memory_order_relaxed) + 1);
    }
    RingIf(bell_.parent_wants_room);
  }
}

void Worker::TakeLease(const ToWorker& message, std::vector<sys::UniqueFd>& descriptors, std::size_t& next) {
  auto take = [&]() { return next < descriptors.size() ? std::move(descriptors[next++]) : sys::UniqueFd(); };
  sys::UniqueFd fd = take();
  std::array<sys::UniqueFd, kProcessEnds> ends;
  for (std::size_t i = 0; i < kProcessEnds; ++i) {
    if ((message.process_ends & 1u << i) != 0) ends[i] = take();
  }
  if (leases.lease(message.slot).Load().generation != message.generation) return;
  // Dying gives everything back: with a lease that this process cannot even hold, nothing else does.
  if (!fd) throw std::runtime_error("no descriptor left for a connection: raise the limit of open files");
  auto& place = connections_[message.slot];
  if (place) ended_.push_back(std::move(place));
  place = std::make_unique<Connection>(static_cast<WorkerDesk&>(*this), message.slot, message.generation,
                                       std::move(fd));
  if (!sweep_) sweep_ = loop.At(sys::Now() + kSweep, [this] { Sweep(); });
  place->TakeUp(message, std::move(ends));
}

void Worker::Sweep() {
  bool any = false;
  const sys::Nanos now = sys::Now();
  for (const auto& each : connections_) {
    if (!each) continue;
    any = true;
    each->OnTick(now);
  }
  if (any || !FlushOutbox()) sweep_ = loop.At(now + kSweep, [this] { Sweep(); });
}

void Worker::EndRound() {
  for (const Connection* gone : forgotten_) {
    auto& place = connections_[gone->slot()];
    if (place.get() == gone) place.reset();
  }
  forgotten_.clear();
  ended_.clear();
}

}  // namespace hydrapool
