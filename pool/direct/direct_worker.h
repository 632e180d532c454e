#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pool/direct/direct_connection.h"

namespace hydrapool {

/// What a DirectWorker is given by its parent.
struct DirectSeat {
  Scoreboard& scoreboard;
  std::size_t seat = 0;
  std::span<const int> listeners;  ///< the worker's own copies, which it closes when it leaves
  int bell = -1;  ///< an eventfd that counts connections to accept; -1: it watches the listeners itself
  std::size_t most_connections = 0;
};

/// The child's loop of a DirectPool: accepts, answers, closes. TERM and QUIT: no more connections, idle ones
/// are closed, what is in hand is answered. Dies with its parent.
class DirectWorker {
 public:
  DirectWorker(const DirectSeat& seat, const PoolOptions& options, const HandlerType& type);
  ~DirectWorker();
  int Run();

 private:
  void OnBell();
  bool Accept(int listener);
  void WatchListeners();
  void OnSignal();
  void Sweep();
  void EndRound();

  DirectSeat seat_;
  DirectDesk desk_;
  std::vector<std::unique_ptr<DirectConnection>> connections_;
  std::vector<std::uint32_t> free_;
  std::vector<EventLoop::Watch> listening_;
  EventLoop::Watch bell_watch_;
  EventLoop::Timer sweep_;
};

}  // namespace hydrapool
