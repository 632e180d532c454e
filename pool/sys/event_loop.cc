#include "hydrapool/event_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "hydrapool/unique_fd.h"
#include "pool/sys/error.h"

namespace hydrapool {
namespace {

epoll_event Event(std::uint32_t events, std::uint32_t generation, std::uint32_t index) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{generation} << 32 | index;
  return event;
}

}  // namespace

struct EventLoop::State {
  struct Slot {
    std::uint32_t generation = 0;
    int fd = -1;
    std::uint32_t events = 0;
    std::unique_ptr<Callback> callback;
  };
  [[nodiscard]] int WaitMillis(std::optional<Nanos> deadline) const;
  void Remove(std::uint32_t index);
  bool RunTimers();

  UniqueFd epoll{sys::Check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<Slot> slots;
  std::vector<std::uint32_t> free;
  std::vector<std::unique_ptr<Callback>>
      ended;  // a callback may end its own registration: kept until the round is over
  std::map<Timer::Key, std::function<void()>> timers;
  std::uint64_t timer_serial = 0;
  Nanos now = Now();
};

class EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    Reset();
    loop_ = std::exchange(other.loop_, nullptr);
    index_ = other.index_;
  }
  return *this;
}

void EventLoop::Watch::Modify(std::uint32_t events) {
  State::Slot& slot = loop_->state_->slots[index_];
  slot.events = events;
  auto event = Event(events, slot.generation, index_);
  sys::Check(::epoll_ctl(loop_->state_->epoll.get(), EPOLL_CTL_MOD, slot.fd, &event), "epoll_ctl MOD");
}

void EventLoop::Watch::Reset() {
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->state_->Remove(index_);
}

EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    Reset();
    loop_ = std::exchange(other.loop_, nullptr);
    key_ = other.key_;
  }
  return *this;
}

EventLoop::Timer::operator bool() const { return loop_ != nullptr && loop_->state_->timers.contains(key_); }

void EventLoop::Timer::Reset() {
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->state_->timers.erase(key_);
}

void EventLoop::Reopen() {
  static_cast<void>(state_->epoll.Release());
  state_->epoll.Reset(sys::Check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  for (std::uint32_t index = 0; index < state_->slots.size(); ++index) {
    const State::Slot& slot = state_->slots[index];
    if (slot.fd < 0) continue;
    auto event = Event(slot.events, slot.generation, index);
    sys::Check(::epoll_ctl(state_->epoll.get(), EPOLL_CTL_ADD, slot.fd, &event), "epoll_ctl ADD");
  }
}

EventLoop::EventLoop() : state_(std::make_unique<State>()) {}

EventLoop::~EventLoop() = default;

EventLoop::Watch EventLoop::Add(int fd, std::uint32_t events, Callback callback) {
  if (state_->free.empty()) {
    state_->free.push_back(static_cast<std::uint32_t>(state_->slots.size()));
    state_->slots.emplace_back();
  }
  const std::uint32_t index = state_->free.back();
  State::Slot& slot = state_->slots[index];
  auto event = Event(events, slot.generation, index);
  sys::Check(::epoll_ctl(state_->epoll.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl ADD");
  state_->free.pop_back();
  slot.fd = fd;
  slot.events = events;
  slot.callback = std::make_unique<Callback>(std::move(callback));
  return {this, index};
}

void EventLoop::State::Remove(std::uint32_t index) {
  Slot& slot = slots[index];
  ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, slot.fd, nullptr);
  slot.fd = -1;
  ++slot.generation;
  ended.push_back(std::move(slot.callback));
  free.push_back(index);
}

EventLoop::Timer EventLoop::At(Nanos due, std::function<void()> callback) {
  const Timer::Key key{due, state_->timer_serial++};
  state_->timers.emplace(key, std::move(callback));
  return {this, key};
}

int EventLoop::State::WaitMillis(std::optional<Nanos> deadline) const {
  Nanos until = deadline.value_or(INT64_MAX);
  if (!timers.empty()) until = std::min(until, timers.begin()->first.first);
  if (until == INT64_MAX) return -1;
  const Nanos left = until - Now();
  if (left <= 0) return 0;
  return static_cast<int>(std::min<Nanos>((left + kMillisecond - 1) / kMillisecond, 60'000));
}

// Timers that were set before this round. One that a callback sets waits for the next, so that a callback
// which asks to be called again at once does not keep all others waiting.
bool EventLoop::State::RunTimers() {
  const std::uint64_t set_later = timer_serial;
  bool ran = false;
  for (auto next = timers.begin(); next != timers.end() && next->first.first <= now;) {
    if (next->first.second >= set_later) {
      ++next;
      continue;
    }
    const auto node = timers.extract(next);
    node.mapped()();
    ran = true;
    next = timers.begin();
  }
  return ran;
}

bool EventLoop::RunOnce(std::optional<Nanos> deadline) {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(state_->epoll.get(), events.data(), static_cast<int>(events.size()),
                                 state_->WaitMillis(deadline));
  if (count < 0 && errno != EINTR) sys::ThrowErrno(errno, "epoll_wait");
  state_->now = Now();
  bool ran = false;
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<std::uint32_t>(events[static_cast<std::size_t>(i)].data.u64);
    const auto generation = static_cast<std::uint32_t>(events[static_cast<std::size_t>(i)].data.u64 >> 32);
    if (state_->slots[index].generation != generation || state_->slots[index].fd < 0) continue;
    (*state_->slots[index].callback)(events[static_cast<std::size_t>(i)].events);
    ran = true;
  }
  ran |= state_->RunTimers();
  while (!state_->ended.empty())
    std::exchange(state_->ended, {}).clear();  // what ends may own other registrations
  return ran;
}

Nanos EventLoop::now() const { return state_->now; }

}  // namespace hydrapool
