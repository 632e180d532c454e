#include "pool/direct/direct_worker.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "pool/sys/log.h"
#include "pool/sys/signals.h"
#include "pool/sys/socket.h"

namespace hydrapool {
namespace {

constexpr Nanos kSweep = 250 * kMillisecond;

}  // namespace

DirectWorker::DirectWorker(const DirectSeat& seat, const PoolOptions& options, const HandlerType& type)
    : seat_(seat), desk_(seat.scoreboard, seat.seat, options, type), connections_(seat.most_connections) {
  for (std::size_t i = seat.most_connections; i > 0; --i) free_.push_back(static_cast<std::uint32_t>(i - 1));
  desk_.board.leases = 0;
}

DirectWorker::~DirectWorker() = default;

int DirectWorker::Run() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != desk_.internals.parent) return 0;
  sys::SignalEvents signals(desk_.loop, {SIGTERM, SIGQUIT}, [this](int) { OnSignal(); });
  sys::IgnoreStraySignals();
  ::signal(SIGINT, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (seat_.bell >= 0) bell_watch_ = desk_.loop.Add(seat_.bell, EPOLLIN, [this](std::uint32_t) { OnBell(); });
  WatchListeners();
  sweep_ = desk_.loop.At(Now() + kSweep, [this] { Sweep(); });
  desk_.life.ready_at = Now();
  desk_.life.state = WorkerState::kReady;
  while (!desk_.draining || free_.size() < connections_.size()) {
    desk_.loop.RunOnce();
    desk_.life.beat.store(desk_.loop.now(), std::memory_order_relaxed);
    EndRound();
  }
  desk_.handler->OnWorkerStop();
  return 0;
}

// What was told is taken before anything is accepted: so the parent never counts a note as outstanding whose
// connection has left the queue already.
void DirectWorker::OnBell() {
  eventfd_t told = 0;
  if (::eventfd_read(seat_.bell, &told) != 0) return;
  desk_.life.taken.fetch_add(told);
  for (; told > 0; --told) {
    if (std::ranges::none_of(seat_.listeners, [this](int listener) { return Accept(listener); })) return;
  }
}

// False: none waits there, or there is no room.
bool DirectWorker::Accept(int listener) {
  if (desk_.draining || free_.empty()) return false;
  auto [fd, error] = sys::Accept(listener);
  if (error != 0) {
    desk_.counts.accept_errors.Add();
    sys::log::Warn("accept: {}", std::generic_category().message(error));
  }
  if (!fd) return false;
  const std::uint32_t place = free_.back();
  free_.pop_back();
  desk_.counts.accepted.Add();
  desk_.board.connections_leased.Add();
  desk_.board.leases.fetch_add(1);
  const std::size_t slot = seat_.seat * connections_.size() + place;
  connections_[place] =
      std::make_unique<DirectConnection>(desk_, static_cast<std::uint32_t>(slot), std::move(fd));
  connections_[place]->Begin();
  return true;
}

void DirectWorker::WatchListeners() {
  if (seat_.bell >= 0 || desk_.draining || free_.empty() || !listening_.empty()) return;
  for (const int listener : seat_.listeners) {
    listening_.push_back(desk_.loop.Add(listener, EPOLLIN | EPOLLEXCLUSIVE,
                                        [this, listener](std::uint32_t) { Accept(listener); }));
  }
}

void DirectWorker::OnSignal() {
  if (desk_.draining) return;
  desk_.draining = true;
  desk_.life.state = WorkerState::kDraining;
  listening_.clear();
  bell_watch_.Reset();
  for (const int listener : seat_.listeners) ::close(listener);  // or newcomers would wait for it
  for (const auto& each : connections_) {
    if (each && each->idle()) each->Close();
  }
}

void DirectWorker::Sweep() {
  sweep_ = desk_.loop.At(Now() + kSweep, [this] { Sweep(); });
  for (const auto& each : connections_) {
    if (each) each->OnTick(desk_.loop.now());
    if (each && desk_.draining && each->idle()) each->Close();
  }
}

void DirectWorker::EndRound() {
  for (const std::uint32_t slot : desk_.ended) {
    const std::uint32_t place = slot - static_cast<std::uint32_t>(seat_.seat * connections_.size());
    connections_[place].reset();
    free_.push_back(place);
    desk_.board.leases.fetch_sub(1);
  }
  desk_.ended.clear();
  if (free_.empty()) listening_.clear();
  WatchListeners();
}

}  // namespace hydrapool
