#pragma once

#include "pool/parent/leases.h"
#include "pool/parent/lender.h"
#include "pool/parent/seats.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// Sees to workers whose loop does not come round: stopped, hung in a handler, without a CPU.
///
/// One that is late gets no new connection, and its idle leases, also those still in its channel, are lent to
/// others: they take them by the lease's word, so the worker need not help. One that is stalled is killed,
/// whether it has anything to do or not, but for an idle one on its way out (Handler::OnWorkerStop may take
/// its time): its leases are rescued like those of any dead worker, and the request that it hung on counts a
/// strike. While this process was itself stopped, as when all of a container is, no worker's silence counts.
/// Look is to be called several times a second, by the parent's thread.
class Watchdog {
 public:
  Watchdog(Leases& leases, Seats& seats, Lender& lender, sys::Nanos stall_timeout);

  void Look(sys::Nanos now);

 private:
  void LookAt(WorkerHandle& worker, sys::Nanos now);

  Leases& leases_;
  Seats& seats_;
  Lender& lender_;
  const sys::Nanos stall_timeout_;
  sys::Nanos looked_at_ = 0;
  sys::Nanos watched_since_ = 0;
};

}  // namespace hydrapool
