#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "hydrapool/process_pool.h"
#include "pool/parent/lease_book.h"
#include "pool/parent/process_keeper.h"
#include "pool/parent/reap_clock.h"
#include "pool/shared/dispatcher.h"
#include "pool/shared/fate_journal.h"
#include "pool/shared/make_room.h"
#include "pool/shared/rescue.h"
#include "pool/shared/respawn_policy.h"
#include "pool/shared/return_ring.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/channel.h"
#include "pool/sys/child.h"

namespace hydrapool {

/// The parent's one thread. A connection's way: OnListener → Assign → Flush (to a worker's channel) → … →
/// Collect. A death's way: OnDeath → RescueAll → Assign, and Spawn.
class Pool::Parent {
 public:
  Parent(const PoolOptions& options, HandlerType type);
  ~Parent();

  int Serve(std::vector<sys::UniqueFd> listeners);

  PoolOptions options;
  Scoreboard scoreboard;
  sys::EventLoop loop;
  FateJournal fates;
  std::atomic<pid_t> pid{0};

 private:
  struct Seat {  // one worker's, whoever sits in it
    sys::Child child;
    sys::Channel channel;
    sys::EventLoop::Watch death_watch;
    sys::EventLoop::Watch channel_watch;
    sys::EventLoop::Timer respawn;
    RespawnPolicy policy;
    sys::Nanos started_at = 0;
    sys::Nanos died_at = 0;  // the life before
    sys::Nanos reaped_at = 0;
    std::uint64_t told = 0;  // messages sent in this life
    bool seen_ready = false;
    bool seen_first_reply = true;
    bool emptied = false;  // it drains, and its idle leases were taken
    std::vector<ToWorker> batch;
  };
  struct Waiting {
    ToWorker message;
    sys::Nanos since = 0;
  };
  struct Listener {
    sys::UniqueFd fd;
    sys::EventLoop::Watch watch;
  };

  // parent.cc: the loop, and the pool's end
  void Round();
  void Tick();
  void OnSignal(int signal);
  void BeginDrain(sys::Nanos deadline);
  void CloseIdle();
  void EndDrain();

  // parent_leases.cc: whom a connection is lent to
  void OnListener(const Listener& listener);
  bool AcceptOne(const Listener& listener);
  void PauseListeners(sys::Nanos until);
  void ResumeListeners();
  std::vector<WorkerLoad> Loads() const;
  void Assign(const ToWorker& message);
  bool TryAssign(const ToWorker& message);
  void AssignWaiting();
  void ExpireWaiting();
  void TellUnavailable(std::uint32_t slot);
  void Flush(std::size_t worker);
  void FlushAll();
  void Collect(std::size_t worker);
  bool TakeIdle(std::uint32_t slot);
  void GiveIdle(std::uint32_t slot);
  void EvenOutLeases();

  // parent_room.cc: places for newcomers when all are taken
  static bool SomebodyWaits(const Listener& listener);
  bool MakeRoom();
  void FindSpares();
  bool CloseSpare(const Spare& spare);

  // parent_workers.cc: the workers' lives
  void Spawn(std::size_t worker);
  [[nodiscard]] bool StateIsNews(std::size_t worker) const;
  void NoticeState(std::size_t worker);
  void OnChannel(std::size_t worker);
  bool OnChildDeath(pid_t child);
  void OnDeath(std::size_t worker);
  void ReapAll();
  [[nodiscard]] bool AllGone() const;

  // parent_rescue.cc: what becomes of a dead worker's connections
  void RescueAll(std::size_t worker, const sys::ExitStatus& status, std::uint32_t touched);
  void RescueLease(std::uint32_t slot, bool to_blame, bool touched);
  void LoseLease(std::uint32_t slot, Phase phase);
  void NoteFate(std::uint32_t slot, Phase phase, Fate::Kind kind);

  HandlerType type_;
  LeaseTable table_;
  LeaseBook book_;
  ProcessKeeper keeper_;
  Dispatcher dispatcher_;
  ReapClock reap_clock_;
  sys::UniqueFd doorbell_;
  sys::EventLoop::Watch doorbell_watch_;
  std::vector<std::unique_ptr<ReturnRing>> rings_;
  std::vector<Seat> seats_;
  std::deque<Waiting> waiting_;  // leases that nobody could be given yet
  std::vector<std::unique_ptr<Listener>> listeners_;
  sys::EventLoop::Timer tick_;
  sys::EventLoop::Timer listen_again_;
  std::deque<Spare> spares_;  // as they were when last looked for, who goes first in front
  sys::Nanos look_for_spares_ = 0;
  bool counters_known_ = true;
  bool children_died_ = false;
  bool wants_lease_ = false;  // listeners rest until one is free
  bool draining_ = false;
  bool leaving_ = false;  // workers were told to go and are not replaced
  bool stopped_ = false;
  sys::Nanos drain_deadline_ = 0;
};

}  // namespace hydrapool
