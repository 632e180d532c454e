#include "pool/sys/event_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "pool/sys/error.h"

namespace hydrapool::sys {
namespace {

epoll_event Event(std::uint32_t events, std::uint32_t generation, std::uint32_t index) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{generation} << 32 | index;
  return event;
}

}  // namespace

class EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    Reset();
    loop_ = std::exchange(other.loop_, nullptr);
    index_ = other.index_;
  }
  return *this;
}

void EventLoop::Watch::Modify(std::uint32_t events) {
  const Slot& slot = loop_->slots_[index_];
  auto event = Event(events, slot.generation, index_);
  Check(::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_MOD, slot.fd, &event), "epoll_ctl MOD");
}

void EventLoop::Watch::Reset() {
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->Remove(index_);
}

EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    Reset();
    loop_ = std::exchange(other.loop_, nullptr);
    key_ = other.key_;
  }
  return *this;
}

EventLoop::Timer::operator bool() const { return loop_ != nullptr && loop_->timers_.contains(key_); }

void EventLoop::Timer::Reset() {
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->timers_.erase(key_);
}

EventLoop::EventLoop() : epoll_(Check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")), now_(Now()) {}

EventLoop::~EventLoop() = default;

EventLoop::Watch EventLoop::Add(int fd, std::uint32_t events, Callback callback) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  Slot& slot = slots_[index];
  auto event = Event(events, slot.generation, index);
  Check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl ADD");
  free_.pop_back();
  slot.fd = fd;
  slot.callback = std::make_unique<Callback>(std::move(callback));
  return {this, index};
}

void EventLoop::Remove(std::uint32_t index) {
  Slot& slot = slots_[index];
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, slot.fd, nullptr);
  slot.fd = -1;
  ++slot.generation;
  ended_.push_back(std::move(slot.callback));
  free_.push_back(index);
}

EventLoop::Timer EventLoop::At(Nanos due, std::function<void()> callback) {
  const Timer::Key key{due, timer_serial_++};
  timers_.emplace(key, std::move(callback));
  return {this, key};
}

int EventLoop::WaitMillis(std::optional<Nanos> deadline) const {
  Nanos until = deadline.value_or(INT64_MAX);
  if (!timers_.empty()) until = std::min(until, timers_.begin()->first.first);
  if (until == INT64_MAX) return -1;
  const Nanos left = until - Now();
  if (left <= 0) return 0;
  return static_cast<int>(std::min<Nanos>((left + kMillisecond - 1) / kMillisecond, 60'000));
}

bool EventLoop::RunTimers() {
  bool ran = false;
  while (!timers_.empty() && timers_.begin()->first.first <= now_) {
    const auto node = timers_.extract(timers_.begin());
    node.mapped()();
    ran = true;
  }
  return ran;
}

bool EventLoop::RunOnce(std::optional<Nanos> deadline) {
  std::array<epoll_event, 256> events;
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), WaitMillis(deadline));
  if (count < 0 && errno != EINTR) ThrowErrno(errno, "epoll_wait");
  now_ = Now();
  bool ran = false;
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<std::uint32_t>(events[static_cast<std::size_t>(i)].data.u64);
    const auto generation = static_cast<std::uint32_t>(events[static_cast<std::size_t>(i)].data.u64 >> 32);
    if (slots_[index].generation != generation || slots_[index].fd < 0) continue;
    (*slots_[index].callback)(events[static_cast<std::size_t>(i)].events);
    ran = true;
  }
  ran |= RunTimers();
  while (!ended_.empty()) std::exchange(ended_, {}).clear();  // what ends may own other registrations
  return ran;
}

}  // namespace hydrapool::sys
