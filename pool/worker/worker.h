#pragma once

#include <memory>
#include <vector>

#include "pool/worker/leased_connection.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool {

/// The child's loop: takes leases out of its channel, serves them, gives them back.
///
/// TERM and QUIT: takes nothing new up, finishes what is in hand, gives the rest back and returns 0. INT is
/// ignored (a terminal's Ctrl-C reaches the whole group, and the parent decides), and so is what
/// sys::IgnoreStraySignals names. Dies with the parent, or with the last of parent and
/// supervisor.
class Worker {
 public:
  Worker(WorkerSeat seat, const PoolOptions& options, const HandlerType& type);
  ~Worker();

  /// Serves until told to leave or the parent is gone; returns the exit code.
  int Run();

 private:
  void TellStop();
  void OnSignal(int signal);
  void OnChannel();
  void TakeLease(const ToWorker& message, std::vector<sys::UniqueFd>& descriptors, std::size_t& next);
  void Sweep();
  void EndRound();
  [[nodiscard]] bool InHand() const;

  WorkerDesk desk_;
  std::vector<std::unique_ptr<LeasedConnection>> connections_;  // by lease
  std::size_t used_ = 0;                                        // no lease from here on was ever here
  std::vector<std::unique_ptr<LeasedConnection>> ended_;
  EventLoop::Watch channel_watch_;
  EventLoop::Timer sweep_;
  bool parent_gone_ = false;
};

}  // namespace hydrapool
