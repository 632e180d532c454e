#include "pool/worker/worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <span>
#include <stdexcept>

#include "pool/shared/lease_table.h"
#include "pool/sys/child.h"
#include "pool/sys/crash_origin.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/log_file.h"
#include "pool/sys/signals.h"

namespace hydrapool {
namespace {

constexpr Nanos kSweep = 250 * kMillisecond;

}  // namespace

Worker::Worker(WorkerSeat seat, const PoolOptions& options, const HandlerType& type)
    : desk_(std::move(seat), options, type), connections_(desk_.leases.size()) {
  channel_watch_ = desk_.loop.Add(desk_.link.channel().fd(), EPOLLIN, [this](std::uint32_t) { OnChannel(); });
}

Worker::~Worker() = default;

int Worker::Run() {
  if (desk_.internals.parent != 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != desk_.internals.parent) return 0;
  }
  sys::SignalEvents signals(desk_.loop, {SIGTERM, SIGQUIT}, [this](int signal) { OnSignal(signal); });
  sys::IgnoreStraySignals();
  ::signal(SIGINT, SIG_IGN);
  sys::NoteCrashesFromOutside(desk_.life.crash_from_outside);
  sys::CatchIgnoredSignals();  // so that no program's start has to undo them
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  desk_.life.ready_at.store(sys::Now(), std::memory_order_relaxed);
  desk_.life.state.store(WorkerState::kReady);
  desk_.link.RingIf(desk_.link.bell().parent_sleeps);
  while (!parent_gone_ && !(desk_.draining && !InHand())) {
    desk_.loop.RunOnce(desk_.loop.now() + kIdleBeat);
    desk_.life.beat.store(desk_.loop.now(), std::memory_order_relaxed);
    EndRound();
  }
  TellStop();
  desk_.link.FlushOutbox();
  return 0;
}

void Worker::TellStop() {
  try {
    desk_.handler->OnWorkerStop();
  } catch (const std::exception& error) {
    sys::log::Error("the handler's OnWorkerStop failed: {}", error.what());
  } catch (...) {
    sys::log::Error("the handler's OnWorkerStop failed");
  }
}

bool Worker::InHand() const {
  return std::ranges::any_of(connections_, [](const auto& each) { return each && !each->idle(); });
}

void Worker::OnSignal(int signal) {
  if (desk_.draining) return;
  sys::log::Debug("worker {} leaves ({})", desk_.context.slot, sys::SignalName(signal));
  desk_.draining = true;
  desk_.life.state.store(WorkerState::kDraining);
  for (const auto& each : connections_) {
    if (each && each->idle()) each->Leave();  // the parent takes the lease itself when it sees the state
  }
  desk_.link.RingIf(desk_.link.bell().parent_sleeps);
}

void Worker::OnChannel() {
  alignas(ToWorker) std::array<std::byte, sys::Channel::kMaxPacket> buffer;
  while (auto packet = desk_.link.channel().Receive(buffer)) {
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
                 held && held->hand().generation == message.generation) {
        held->OnProcessEnd();
      }
      desk_.life.taken.store(desk_.life.taken.load(std::memory_order_relaxed) + 1);
    }
    desk_.link.RingIf(desk_.link.bell().parent_wants_room);
  }
}

void Worker::TakeLease(const ToWorker& message, std::vector<sys::UniqueFd>& descriptors, std::size_t& next) {
  auto take = [&]() { return next < descriptors.size() ? std::move(descriptors[next++]) : sys::UniqueFd(); };
  sys::UniqueFd fd = take();
  std::array<sys::UniqueFd, kProcessEnds> ends;
  for (std::size_t i = 0; i < kProcessEnds; ++i) {
    if ((message.process_ends & 1u << i) != 0) ends[i] = take();
  }
  if (desk_.leases.lease(message.slot).Load().generation != message.generation) return;
  // Dying gives everything back: with a lease that this process cannot even hold, nothing else does.
  if (!fd) throw std::runtime_error("no descriptor left for a connection: raise the limit of open files");
  auto& place = connections_[message.slot];
  used_ = std::max<std::size_t>(used_, message.slot + 1);
  if (place) ended_.push_back(std::move(place));
  place = std::make_unique<LeasedConnection>(desk_, message.slot, message.generation, std::move(fd));
  if (!sweep_) sweep_ = desk_.loop.At(sys::Now() + kSweep, [this] { Sweep(); });
  place->TakeUp(message, std::move(ends));
}

void Worker::Sweep() {
  bool any = false;
  const sys::Nanos now = sys::Now();
  desk_.slabs_trimmed = 0;
  for (const auto& each : std::span(connections_).first(used_)) {
    if (!each) continue;
    any = true;
    each->OnTick(now);
  }
  if (any || !desk_.link.FlushOutbox()) sweep_ = desk_.loop.At(now + kSweep, [this] { Sweep(); });
}

void Worker::EndRound() {
  desk_.round.AddTo(desk_.board);
  sys::LogFile::RefreshAll();
  for (LeasedConnection* gone : desk_.forgotten) {
    auto& place = connections_[gone->hand().slot];
    if (place.get() == gone) place.reset();
  }
  desk_.forgotten.clear();
  ended_.clear();
}

}  // namespace hydrapool
