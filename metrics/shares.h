#pragma once

#include <vector>

#include "pool/shared/scoreboard.h"

namespace hydrapool::metrics {

/// How much of the pool's work each slot has done since the start, counted in three ways: for fairness.h.
struct Shares {
  std::vector<double> connections;
  std::vector<double> requests;
  std::vector<double> busy;  ///< seconds

  explicit Shares(const hydrapool::Scoreboard& board) {
    for (std::size_t i = 0; i < board.workers(); ++i) {
      const hydrapool::WorkerSlot& slot = board.slot(i);
      connections.push_back(static_cast<double>(slot.connections_leased.value()));
      requests.push_back(static_cast<double>(slot.requests()));
      busy.push_back(sys::ToSeconds(static_cast<sys::Nanos>(slot.busy_nanos.value())));
    }
  }
};

}  // namespace hydrapool::metrics
