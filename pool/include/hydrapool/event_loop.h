#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "hydrapool/clock.h"

namespace hydrapool {

/// One epoll and one set of timers for one thread.
///
///     EventLoop loop;
///     auto watch = loop.Add(fd, EPOLLIN, [&](std::uint32_t events) { ... });
///     auto timer = loop.At(Now() + kSecond, [&] { ... });
///     while (!done) loop.RunOnce();
///
/// Watch and Timer are owners: destroying one ends the registration, also from inside any callback. A Watch
/// must be destroyed (or Reset) *before* its descriptor is closed: a copy of the descriptor in another
/// process would keep the registration alive, which only EPOLL_CTL_DEL ends (epoll(7), Q6). Events carry a
/// generation, so an event already fetched for a registration that ended in the same round is dropped. The
/// loop must outlive its Watches and Timers.
///
/// Not promised: any order among events of one round. Not for several threads, and not across fork but by
/// Reopen.
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
  /// Calls back once, at the first round that begins at or after `due`; set by a callback, in a later round.
  [[nodiscard]] Timer At(Nanos due, std::function<void()> callback);

  /// In a process that was cloned with the loop: an epoll of its own for all that is registered. The one
  /// before stays as it is.
  void Reopen();

  /// Waits for events or the next timer, at most until `deadline` (nullopt: as long as it takes; 0: do not
  /// wait), and calls back. Returns whether anything was called. A signal handler's return ends the wait.
  bool RunOnce(std::optional<Nanos> deadline = std::nullopt);

  /// The time at which the current round began: cheap, and the same for the whole round.
  [[nodiscard]] Nanos now() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hydrapool
