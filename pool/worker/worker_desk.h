#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hydrapool/connection.h"
#include "hydrapool/handler_adapter.h"
#include "hydrapool/pool_options.h"
#include "pool/shared/messages.h"
#include "pool/shared/return_ring.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/channel.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"
#include "pool/worker/round_counts.h"

namespace hydrapool {

class LeaseTable;
class AnswerWatcher;

/// What the pool's own handlers may know of their worker.
struct WorkerInternals {
  pid_t parent = 0;  ///< WorkerSeat's
  std::string lifeline = {};
  WorkerSlot& board;
  const PoolCounts& counts;
  const Doorbell& bell;
  /// How many processes may be started for requests, over the whole pool, and how many bodies be made whole
  /// for others: more could leave no descriptor for a connection.
  std::size_t most_processes = 0;
  AnswerWatcher* watcher = nullptr;        ///< null: nobody is told of answers
  const Scoreboard* scoreboard = nullptr;  ///< where there is one
  /// The limit that the request at hand ran into, as its handler says with its reply.
  std::optional<Limit> run_into = {};

  /// The reply is taken. Counted here, as a handler is asked about a request again while it waits behind
  /// others of its connection.
  void CountRunInto() {
    if (const auto limit = std::exchange(run_into, std::nullopt)) board.Hit(*limit);
  }
};

/// What a worker is given by its parent.
struct WorkerSeat {
  LeaseTable& table;
  Scoreboard& scoreboard;
  ReturnRing& ring;
  std::size_t life = 0;  ///< number in Scoreboard::lives
  sys::Channel channel;
  sys::UniqueFd doorbell;
  pid_t parent = 0;      ///< with whom it dies; 0: with its lifeline
  std::string lifeline;  ///< sys::Lifeline::PathOfLower, for its programs
};

/// What a limit of `files` open files leaves for requests' processes beside so many connections, in the
/// process that may hold all of them: each process's ends, and a file for the body of one to come. At
/// least 1.
std::size_t MostProcesses(std::size_t files, std::size_t connections, std::size_t workers);

class LeasedConnection;

/// A worker's side of its parent: what it says to it and gives back.
class ParentLink {
 public:
  /// A stopped or hung parent is replaced within this time.
  static constexpr std::chrono::milliseconds kPatience{5000};

  ParentLink(ReturnRing& ring, Doorbell& bell, sys::Channel channel, sys::UniqueFd doorbell,
             std::chrono::milliseconds patience = kPatience);

  /// Gives a lease back; the parent is woken if it sleeps.
  void Return(ReturnRing::Item item);
  /// Where the channel is full the parent is dead, and the next one about to come, or behind. Then kOffer,
  /// which carries descriptors, waits for room, and is refused (false) where none came in time, and at once
  /// until there is some; the other kinds wait their turn.
  bool Tell(const ToParent& message, std::span<const int> descriptors = {});
  /// True: nothing waits its turn.
  bool FlushOutbox();
  void RingIf(std::atomic<std::uint32_t>& flag);
  [[nodiscard]] sys::Channel& channel() { return channel_; }
  [[nodiscard]] Doorbell& bell() { return bell_; }

 private:
  [[nodiscard]] bool Say(const ToParent& message, std::span<const int> descriptors);

  ReturnRing& ring_;
  Doorbell& bell_;
  sys::Channel channel_;
  sys::UniqueFd doorbell_;
  const std::chrono::milliseconds patience_;
  bool patient_ = true;  ///< The channel took something since it was last waited for in vain.
  std::deque<ToParent> outbox_;
};

/// What a worker's connections have in common. The options must outlive it.
struct WorkerDesk {
  WorkerDesk(WorkerSeat seat, const PoolOptions& asked, const HandlerType& type);

  LeaseTable& leases;
  WorkerLife& life;
  WorkerSlot& board;
  const PoolOptions& options;
  EventLoop loop;
  WorkerInternals internals;
  WorkerContext context;
  ParentLink link;
  std::vector<char> peek_buffer;
  RoundCounts round;
  bool draining = false;
  int slabs_trimmed = 0;  ///< in this sweep
  bool speaks_first = false;
  /// Connections that are done with; destroyed when the loop comes round.
  std::vector<LeasedConnection*> forgotten;
  std::unique_ptr<AnyHandler> handler;
};

}  // namespace hydrapool
