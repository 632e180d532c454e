#pragma once

#include <cstdint>
#include <vector>

#include "hydrapool/process_pool.h"
#include "pool/parent/crew.h"
#include "pool/parent/leases.h"
#include "pool/parent/lender.h"
#include "pool/parent/listeners.h"
#include "pool/parent/parent_bell.h"
#include "pool/parent/rescuer.h"
#include "pool/parent/seats.h"
#include "pool/parent/spares.h"
#include "pool/shared/fate_journal.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/event_loop.h"

namespace hydrapool {

/// The parent's one thread, and its story:
///
///     a connection: Listeners accept → LetIn → Lender lends → (a worker serves) → Lender collects
///     a death:      Crew reaps → Rescuer rescues, Lender lends again → Crew respawns
///     the end:      BeginDrain → CloseIdle → EndDrain → workers leave → stopped
///
/// It never blocks, and takes no lock that a worker could hold. What a successor would have to know lies in
/// shared memory: LeaseTable, LeaseBook's records, WorkerLife, SeatRecord.
class Pool::Parent {
 public:
  Parent(const PoolOptions& options, HandlerType type);
  ~Parent();

  int Serve(std::vector<sys::UniqueFd> listeners);

  PoolOptions options;
  Scoreboard scoreboard;
  sys::EventLoop loop;
  FateJournal fates;

 private:
  enum class Stage {
    kServing,
    kDraining,  ///< no more connections; those that are open are answered, and close
    kLeaving,   ///< the workers were told to go, and are not replaced
    kStopped,
  };
  struct Ending {
    Stage stage = Stage::kServing;
    sys::Nanos deadline = 0;  ///< of kDraining
  };

  int Work(WorkerHandle& self, sys::Channel channel);
  void Round();
  void Tick();
  void LetIn(sys::UniqueFd connection, bool counted);
  void ExpireWaiting();
  void OnSignal(int signal);
  void BeginDrain(sys::Nanos deadline);
  void CloseIdle();
  void EndDrain();

  HandlerType type_;
  Leases leases_;
  Seats seats_;
  Lender lender_;
  Rescuer rescuer_;
  Spares spares_;
  ParentBell bell_;
  Crew crew_;
  Listeners listeners_;
  sys::EventLoop::Timer tick_;
  Ending ending_;
};

}  // namespace hydrapool
