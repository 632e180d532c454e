#include "pool/parent/listeners.h"

#include <poll.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "pool/sys/failpoint.h"
#include "pool/sys/listen_queue.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"

namespace hydrapool {
namespace {

constexpr int kAtOnce = 256;
constexpr sys::Nanos kAfterError = 100 * sys::kMillisecond;

bool SomebodyWaits(int listener) {
  pollfd state{listener, POLLIN, 0};
  return ::poll(&state, 1, 0) > 0;
}

}  // namespace

Listeners::Listeners(sys::EventLoop& loop, PoolCounts& counts, Host host)
    : loop_(loop), counts_(counts), host_(std::move(host)) {}

void Listeners::Hold(std::vector<sys::UniqueFd> sockets) {
  for (sys::UniqueFd& fd : sockets) {
    const bool counted = sys::KernelCounts(fd.get());
    listeners_.push_back(std::make_unique<Listener>(Listener{std::move(fd), counted, {}}));
  }
}

std::vector<int> Listeners::Numbers() const {
  std::vector<int> numbers;
  for (const auto& listener : listeners_) numbers.push_back(listener->fd.get());
  return numbers;
}

void Listeners::AppendNoted(std::vector<int>& descriptors) const {
  std::ranges::copy_if(retired_, std::back_inserter(descriptors), sys::IsListening);
}

void Listeners::CloseRetired() {
  std::erase_if(retired_, [this](int fd) {
    if (!sys::IsListening(fd)) return true;
    Listener last{sys::UniqueFd(fd), sys::KernelCounts(fd), {}};
    while (AcceptOne(last)) {
    }
    if (!SomebodyWaits(fd)) return true;
    static_cast<void>(last.fd.Release());  // there is no room for them now
    return false;
  });
}

// A number that is closed already may be another's by now.
void Listeners::FinishClose() {
  for (const auto& listener : listeners_) {
    if (!sys::IsListening(listener->fd.get())) static_cast<void>(listener->fd.Release());
  }
  listeners_.clear();
}

bool Listeners::HasAccepted(int fd) const {
  return std::ranges::any_of(
      listeners_, [fd](const auto& listener) { return sys::IsAcceptedBy(fd, listener->fd.get()); });
}

void Listeners::OnReadable(const Listener& listener) {
  for (int i = 0; i < kAtOnce && AcceptOne(listener); ++i) {
  }
}

// False: no newcomer waits, or none can be taken now.
bool Listeners::AcceptOne(const Listener& listener) {
  if (!host_.has_room()) {
    if (!SomebodyWaits(listener.fd.get())) return false;
    if (!host_.make_room()) {
      wants_room_ = true;
      Pause();
      return false;
    }
  }
  auto [fd, error] = sys::Accept(listener.fd.get());
  if (error != 0) {
    counts_.accept_errors.Add();
    sys::log::Warn("accept: {}; trying again in 100 ms", std::generic_category().message(error));
    Pause();
    again_ = loop_.At(sys::Now() + kAfterError, [this] { Resume(); });
    return false;
  }
  if (!fd) return false;
  HYDRAPOOL_FAILPOINT("parent.accepted");
  counts_.accepted.Add();
  host_.let_in(std::move(fd), listener.counted);
  return true;
}

void Listeners::Pause() {
  for (const auto& listener : listeners_) listener->watch.Reset();
}

void Listeners::Resume() {
  wants_room_ = !host_.has_room();
  if (wants_room_) return;
  for (const auto& listener : listeners_) {
    if (listener->watch) continue;
    listener->watch =
        loop_.Add(listener->fd.get(), EPOLLIN, [this, &l = *listener](std::uint32_t) { OnReadable(l); });
  }
}

void Listeners::OnRoom() {
  if (wants_room_) Resume();
}

void Listeners::Measure() {
  sys::ListenQueue all;
  for (const auto& listener : listeners_) {
    const auto queue = sys::ReadListenQueue(listener->fd.get()).value_or(sys::ListenQueue{});
    all.length += queue.length;
    all.limit += queue.limit;
  }
  counts_.listen_queue.store(all.length, std::memory_order_relaxed);
  counts_.listen_queue_limit.store(all.limit, std::memory_order_relaxed);
  CloseRetired();
  const auto waits = [](const auto& listener) { return SomebodyWaits(listener->fd.get()); };
  if (wants_room_ && std::ranges::any_of(listeners_, waits)) host_.make_room();
}

void Listeners::Close() {
  for (const auto& listener : listeners_) {
    while (AcceptOne(*listener)) {
    }
  }
  listeners_.clear();
}

}  // namespace hydrapool
