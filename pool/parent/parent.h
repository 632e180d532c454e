#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hydrapool/process_pool.h"
#include "pool/parent/crew.h"
#include "pool/parent/descriptor_audit.h"
#include "pool/parent/estate.h"
#include "pool/parent/leases.h"
#include "pool/parent/lender.h"
#include "pool/parent/listeners.h"
#include "pool/parent/parent_bell.h"
#include "pool/parent/recycler.h"
#include "pool/parent/rescuer.h"
#include "pool/parent/seats.h"
#include "pool/parent/service_report.h"
#include "pool/parent/spares.h"
#include "pool/parent/steering.h"
#include "pool/shared/death_journal.h"
#include "pool/shared/fate_journal.h"
#include "pool/shared/pool_life.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/oom_score.h"
#include "pool/sys/shared_memory.h"

namespace hydrapool {

/// The parent's one thread, and its story:
///
///     a connection: Listeners accept → LetIn → Lender lends → (a worker serves) → Lender collects
///     a death:      Crew reaps → Rescuer rescues, Lender lends again → Crew respawns
///     the end:      BeginDrain → CloseIdle → EndDrain → workers leave → stopped
///     its own:      Supervisor clones the next one → TakeOver → and on
///     the program's: Pause → the next program finds the Estate, and clones the next one → TakeOver → and on
///
/// It never blocks, and takes no lock that a worker could hold. What the next parent must know lies in shared
/// memory: PoolLife, LeaseTable, the records of LeaseBook and ProcessKeeper, WorkerLife, SeatRecord; its
/// descriptors in the table that it shares with the supervisor. All else (queues, watches, timers) each
/// parent makes from these. The object itself is made before the first parent, and every parent works on its
/// own copy.
class Pool::Parent {
 public:
  Parent(const PoolOptions& options, HandlerType type);
  ~Parent();

  int Serve(std::vector<sys::UniqueFd> listeners);
  [[nodiscard]] Steering steering() { return {scoreboard, life_[0], seats_, leases_, crew_}; }

  [[nodiscard]] LeaseTable& table() { return leases_.table; }
  [[nodiscard]] PoolLife& life() { return life_[0]; }
  [[nodiscard]] int doorbell() const { return bell_.fd(); }
  [[nodiscard]] const sys::Lifeline& lifeline() { return estate_.lifeline(); }

  PoolOptions options;

 private:
  Estate estate_;
  std::optional<sys::SharedHeap::Use> use_estate_;  // while what follows is made

 public:
  Scoreboard scoreboard;
  sys::EventLoop loop;
  FateJournal fates;
  DeathJournal deaths;

 private:
  int Live();
  void HoldListeners(std::vector<sys::UniqueFd> listeners);
  int Supervise();
  [[nodiscard]] ProgramStart WhyItStarts() const;
  void TakeOver();
  int Work(WorkerHandle& self, sys::Channel channel);
  void Round();
  void Tick();
  void TakeVitalSigns();
  void LetIn(sys::UniqueFd connection, bool counted);
  void ExpireWaiting();
  void NoticeOrphanhood();
  std::string Succeed();
  bool StandIn();
  void Pause();
  void Resize();
  void OnSignal(int signal);
  void Obey();
  bool GiveNotice();
  void BeginDrain(sys::Nanos deadline);
  void CloseIdle();
  void EndDrain();

  HandlerType type_;
  sys::SharedArray<PoolLife> life_;  // one
  std::optional<DescriptorAudit> audit_;
  sys::OomScoreOfChildren oom_score_;
  Leases leases_;
  Seats seats_;
  Lender lender_;
  Rescuer rescuer_;
  Spares spares_;
  ParentBell bell_;
  Crew crew_;
  Recycler recycler_;
  ServiceReport report_;
  Listeners listeners_;
  sys::EventLoop::Timer tick_;
  unsigned ticks_ = 0;
  bool told_to_leave_ = false;  // this parent has told the workers
};

}  // namespace hydrapool
