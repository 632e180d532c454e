#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// One epoll and one set of timers for one thread.
///
///     sys::EventLoop loop;
///     auto watch = loop.Add(fd, EPOLLIN, [&](std::uint32_t events) { ... });
///     auto timer = loop.At(sys::Now() + sys::kSecond, [&] { ... });
///     while (!done) loop.RunOnce();
///
/// Watch and Timer are owners: destroying one ends the registration, also from inside any callback. A Watch
/// must be destroyed (or Reset) *before* its descriptor is closed: a copy of the descriptor in another
/// process would keep the registration alive, which only EPOLL_CTL_DEL ends (epoll(7), Q6). Events carry a
/// generation, so an event already fetched for a registration that ended in the same round is dropped. The
/// loop must outlive its Watches and Timers.
///
/// Not promised: any order among events of one round. Not for several threads, and not across fork.
class EventLoop {
 public:
  using Callback = std::function<void(std::uint32_t events)>;

  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept { *this = std::move(other); }
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { Reset(); }
    explicit operator bool() const { return loop_ != nullptr; }
    /// Other events for the same descriptor (EPOLL_CTL_MOD).
    void Modify(std::uint32_t events);
    void Reset();

   private:
    friend class EventLoop;
    Watch(EventLoop* loop, std::uint32_t index) : loop_(loop), index_(index) {}
    EventLoop* loop_ = nullptr;
    std::uint32_t index_ = 0;
  };

  class Timer {
   public:
    Timer() = default;
    Timer(Timer&& other) noexcept { *this = std::move(other); }
    Timer& operator=(Timer&& other) noexcept;
    ~Timer() { Reset(); }
    explicit operator bool() const;
    void Reset();

   private:
    friend class EventLoop;
    using Key = std::pair<Nanos, std::uint64_t>;
    Timer(EventLoop* loop, Key key) : loop_(loop), key_(key) {}
    EventLoop* loop_ = nullptr;
    Key key_{};
  };

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Throws std::system_error where epoll refuses the descriptor.
  [[nodiscard]] Watch Add(int fd, std::uint32_t events, Callback callback);
  /// Calls back once, at the first round that begins at or after `due`.
  [[nodiscard]] Timer At(Nanos due, std::function<void()> callback);

  /// Waits for events or the next timer, at most until `deadline` (nullopt: as long as it takes; 0: do not
  /// wait), and calls back. Returns whether anything was called. A signal handler's return ends the wait.
  bool RunOnce(std::optional<Nanos> deadline = std::nullopt);

  /// The time at which the current round began: cheap, and the same for the whole round.
  [[nodiscard]] Nanos now() const { return now_; }

 private:
  struct Slot {
    std::uint32_t generation = 0;
    int fd = -1;
    std::unique_ptr<Callback> callback;
  };
  void Remove(std::uint32_t index);
  bool RunTimers();
  [[nodiscard]] int WaitMillis(std::optional<Nanos> deadline) const;

  UniqueFd epoll_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::unique_ptr<Callback>>
      ended_;  // a callback may end its own registration: kept until the round is over
  std::map<Timer::Key, std::function<void()>> timers_;
  std::uint64_t timer_serial_ = 0;
  Nanos now_ = 0;
};

}  // namespace hydrapool::sys
