#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "pool/shared/scoreboard.h"
#include "pool/sys/clock.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// Where connections come in.
///
///     listeners.Hold(std::move(sockets));  // once, before any parent
///     listeners.Open();                    // in each parent
///     listeners.OnRoom();    // each round: a lease may be free again
///     listeners.Measure();   // now and then: how many wait, and whether room must be made for them
///     listeners.Close();     // those in the backlog are let in; then no more
///
/// Back-pressure: where no lease is free and none can be freed, the backlog holds the rest until OnRoom finds
/// one. Where accept(2) fails (EMFILE, ENFILE, ENOMEM …) it is tried again after 100 ms, not at once: the
/// socket stays readable. The loop must outlive it.
class Listeners {
 public:
  struct Host {
    std::function<bool()> has_room;   ///< a lease is free
    std::function<bool()> make_room;  ///< frees one; false: it cannot
    /// Takes a connection, for which there is room. `counted`: the kernel counts its bytes.
    std::function<void(sys::UniqueFd, bool counted)> let_in;
  };
  Listeners(sys::EventLoop& loop, PoolCounts& counts, Host host);

  void Hold(std::vector<sys::UniqueFd> sockets);
  [[nodiscard]] std::vector<int> Numbers() const;
  void Open() { Resume(); }
  /// Sockets, by number, that are to accept no new connections: a parent that finds one open lets in the
  /// clients that wait in it, and closes it.
  void Retire(std::vector<int> sockets) { retired_ = std::move(sockets); }
  void AppendNoted(std::vector<int>& descriptors) const;
  /// In a new parent: the parent before was closing them.
  void FinishClose();
  /// A connection that a parent has accepted and not let in yet, for all that one can see of it.
  [[nodiscard]] bool HasAccepted(int fd) const;
  void OnRoom();
  /// A newcomer was left waiting, for no lease was free or could be freed.
  [[nodiscard]] bool wants_room() const { return wants_room_; }
  /// Publishes the length of the queues (sys/listen_queue.h), and makes room if it is wanted.
  void Measure();
  /// Lets in who waits, as far as there is room, and closes the sockets.
  void Close();

 private:
  struct Listener {
    sys::UniqueFd fd;
    bool counted = true;
    sys::EventLoop::Watch watch;
  };
  void CloseRetired();
  void OnReadable(const Listener& listener);
  bool AcceptOne(const Listener& listener);
  void Pause();
  void Resume();

  sys::EventLoop& loop_;
  PoolCounts& counts_;
  Host host_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<int> retired_;
  sys::EventLoop::Timer again_;
  bool wants_room_ = false;
};

}  // namespace hydrapool
