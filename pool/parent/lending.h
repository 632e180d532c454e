#pragma once

#include "pool/parent/leases.h"
#include "pool/parent/lender.h"
#include "pool/parent/rescuer.h"
#include "pool/parent/seats.h"
#include "pool/parent/spares.h"

namespace hydrapool {

/// A pool's connections and the workers that hold them: who gets which, what becomes of a dead worker's, and
/// which can be spared.
struct Lending {
  Lending(sys::EventLoop& loop, Scoreboard& scoreboard, FateJournal& fates, std::size_t connections,
          const PoolOptions& options, std::string (*abandoned_reply)(Excuse))
      : leases(connections, scoreboard.lives().size(), options.max_connections, loop, scoreboard.counts()),
        seats(scoreboard, connections),
        lender(leases, seats, scoreboard, options.balance),
        rescuer(leases, seats, lender, scoreboard.counts(), fates, abandoned_reply),
        spares(leases, lender, scoreboard.counts(), options.timeouts.spare, options.timeouts.keep_alive) {}

  Leases leases;
  Seats seats;
  Lender lender;
  Rescuer rescuer;
  Spares spares;
};

}  // namespace hydrapool
