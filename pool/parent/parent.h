#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hydrapool/process_pool.h"
#include "pool/parent/crew.h"
#include "pool/parent/descriptor_audit.h"
#include "pool/parent/estate.h"
#include "pool/parent/lending.h"
#include "pool/parent/listeners.h"
#include "pool/parent/parent_bell.h"
#include "pool/parent/recycler.h"
#include "pool/parent/seats.h"
#include "pool/parent/service_report.h"
#include "pool/parent/steering.h"
#include "pool/shared/death_journal.h"
#include "pool/shared/fate_journal.h"
#include "pool/shared/pool_life.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/oom_score.h"
#include "pool/sys/shared_memory.h"

namespace hydrapool {

/// What readers see of a pool; in shared memory.
struct PoolRecords {
  /// With room for `most_workers`.
  PoolRecords(const PoolOptions& options, std::size_t most_workers)
      : scoreboard(options.workers, std::max(Seats::kMostLeaving, most_workers), most_workers), life(1) {}

  Scoreboard scoreboard;
  FateJournal fates;
  DeathJournal deaths;
  sys::SharedArray<PoolLife> life;  ///< one
};

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
  [[nodiscard]] Steering steering() {
    return {records.scoreboard, records.life[0], lending_.seats, lending_.leases, crew_};
  }

  [[nodiscard]] LeaseTable& table() { return lending_.leases.table; }
  [[nodiscard]] PoolLife& life() { return records.life[0]; }
  [[nodiscard]] int doorbell() const { return bell_.fd(); }
  [[nodiscard]] const sys::Lifeline& lifeline() { return estate_.lifeline(); }

  PoolOptions options;

 private:
  Estate estate_;

 public:
  PoolRecords records;
  sys::EventLoop loop;

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
  std::optional<DescriptorAudit> audit_;
  sys::OomScoreOfChildren oom_score_;
  Lending lending_;
  ParentBell bell_;
  Crew crew_;
  Recycler recycler_;
  ServiceReport report_;
  Listeners listeners_;
  sys::EventLoop::Timer tick_;
  unsigned ticks_ = 0;
};

}  // namespace hydrapool
