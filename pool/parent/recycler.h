#pragma once

#include <cstdint>

#include "hydrapool/pool_options.h"
#include "pool/parent/seats.h"
#include "pool/shared/pool_life.h"
#include "pool/shared/recycling.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// Has workers replaced that are well, one after another: it tells one to leave when all seats have workers
/// that are ready. Workers beyond the number that is wanted leave at once.
class Recycler {
 public:
  Recycler(Seats& seats, const Recycling& rules, const PoolLife& life);

  /// Several times a second, and when a worker has become ready.
  void Look(sys::Nanos now);

 private:
  [[nodiscard]] bool AllReady() const;
  [[nodiscard]] RecycleCause Judge(const WorkerHandle& worker, sys::Nanos now, bool weigh) const;
  static void TellToLeave(const WorkerHandle& worker, RecycleCause cause);

  Seats& seats_;
  const Recycling rules_;
  const PoolLife& life_;
  sys::Nanos next_weighing_ = 0;
};

}  // namespace hydrapool
