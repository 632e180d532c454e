#pragma once

#include <cstddef>
#include <deque>

#include "pool/parent/leases.h"
#include "pool/parent/lender.h"
#include "pool/shared/make_room.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// Places for newcomers when all are taken: idle connections are closed, in the order of make_room.h. One
/// look at all leases finds many of them, and is not taken again at once where it found none.
class Spares {
 public:
  /// No connection is closed that has been idle for less than `spare`; `keep_alive` is how long an idle one
  /// may stay at most.
  Spares(Leases& leases, Lender& lender, PoolCounts& counts, sys::Nanos spare, sys::Nanos keep_alive);

  /// Frees one lease. False: none can be spared now.
  bool MakeRoom();

 private:
  bool CloseNext();
  void Find();
  bool Close(const Spare& spare);

  Leases& leases_;
  Lender& lender_;
  PoolCounts& counts_;
  sys::Nanos spare_;
  sys::Nanos keep_alive_;
  std::deque<Spare> found_;  // as they were when last looked for, who goes first in front
  sys::Nanos look_again_ = 0;
};

}  // namespace hydrapool
