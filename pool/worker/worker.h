#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "pool/shared/lease_table.h"
#include "pool/shared/messages.h"
#include "pool/shared/return_ring.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/channel.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"
#include "pool/worker/connection.h"
#include "pool/worker/handler.h"

namespace hydrapool {

/// How long things may take. All of them bound what a stranger can hold.
struct Timeouts {
  sys::Nanos head =
      10 * sys::kSecond;  ///< from a request's first byte to the end of its head (and small body)
  sys::Nanos keep_alive = 75 * sys::kSecond;  ///< between requests
  /// Nobody is closed to make room for another who has been idle for less.
  sys::Nanos spare = sys::kSecond;
  sys::Nanos write = 30 * sys::kSecond;       ///< without a byte taken by the client
  sys::Nanos linger = 2 * sys::kSecond;       ///< for the client's end, after ours
  sys::Nanos unassigned = 10 * sys::kSecond;  ///< for a worker to take a connection, when none is alive
  sys::Nanos drain = 30 * sys::kSecond;       ///< of the pool, at TERM, before its workers are killed
};

/// What a limit of `files` open files leaves for requests' processes beside so many connections, in the
/// process that may hold all of them: each process's ends, and a file for the body of one to come. At
/// least 1.
std::size_t MostProcesses(std::size_t files, std::size_t connections, std::size_t workers);

/// What a worker shares with its connections. `number`: of the life in Scoreboard::lives.
class WorkerDesk {
 public:
  WorkerDesk(LeaseTable& table, Scoreboard& scoreboard, ReturnRing& ring, std::size_t number,
             sys::Channel channel, sys::UniqueFd doorbell, pid_t parent, const Timeouts& limits);

  LeaseTable& leases;
  WorkerSlot& board;
  WorkerLife& life;
  const Timeouts timeouts;
  sys::EventLoop loop;
  WorkerContext context;
  std::unique_ptr<AnyHandler> handler;
  std::string (*abandoned_reply)(Verdict) = nullptr;
  std::vector<char> peek_buffer;
  bool draining = false;

  /// Gives a lease back to the parent, which is woken if it sleeps.
  void Return(ReturnRing::Item item);
  /// kOffer carries descriptors and is refused (false) when the channel is full; the other kinds then wait
  /// their turn.
  bool Tell(const ToParent& message, std::span<const int> descriptors = {});
  /// The connection is done with; it is destroyed when the loop comes round.
  void Forget(const Connection& connection) { forgotten_.push_back(&connection); }

 protected:
  void RingIf(std::atomic<std::uint32_t>& flag);
  bool FlushOutbox();  ///< true: nothing is left in it
  std::vector<const Connection*> forgotten_;
  sys::Channel channel_;
  Doorbell& bell_;

 private:
  ReturnRing& ring_;
  sys::UniqueFd doorbell_;
  std::deque<ToParent> outbox_;
};

/// The child's loop: takes leases out of its channel, serves them, gives them back.
///
/// TERM and QUIT: takes nothing new up, finishes what is in hand, gives the rest back and returns 0. INT is
/// ignored (a terminal's Ctrl-C reaches the whole group, and the parent decides), and so is what
/// sys::IgnoreStraySignals names. Dies with the parent.
class Worker : private WorkerDesk {
 public:
  Worker(LeaseTable& table, Scoreboard& scoreboard, ReturnRing& ring, std::size_t number,
         sys::Channel channel, sys::UniqueFd doorbell, pid_t parent, const Timeouts& limits,
         const HandlerType& type);
  ~Worker();

  /// Serves until told to leave or the parent is gone; returns the exit code.
  int Run();

 private:
  void OnSignal(int signal);
  void OnChannel();
  void TakeLease(const ToWorker& message, std::vector<sys::UniqueFd>& descriptors, std::size_t& next);
  void Sweep();
  void EndRound();
  [[nodiscard]] bool InHand() const;

  std::vector<std::unique_ptr<Connection>> connections_;  // by lease
  std::vector<std::unique_ptr<Connection>> ended_;
  sys::EventLoop::Watch channel_watch_;
  sys::EventLoop::Timer sweep_;
  bool parent_gone_ = false;
};

}  // namespace hydrapool
