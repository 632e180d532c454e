#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "metrics/fairness.h"
#include "pool/core/scoreboard.h"

namespace metrics {

/// The largest share over the mean one, from 1 (all have the same) to n (one has all): how much more the
/// busiest does than its part. 1 where nothing was shared out.
inline double MaxOverMean(std::span<const double> shares) {
  double sum = 0;
  double max = 0;
  for (const double x : shares) {
    sum += x;
    max = std::max(max, x);
  }
  return sum > 0 ? max * static_cast<double>(shares.size()) / sum : 1.0;
}

/// How evenly the slots have shared the pool's work since it started, in each of three coins.
struct Shares {
  std::vector<double> connections;
  std::vector<double> requests;
  std::vector<double> busy;  ///< seconds

  explicit Shares(const pool::Scoreboard& board) {
    for (std::size_t i = 0; i < board.workers(); ++i) {
      const pool::WorkerSlot& slot = board.slot(i);
      connections.push_back(static_cast<double>(slot.connections_leased.value()));
      requests.push_back(static_cast<double>(slot.requests()));
      busy.push_back(sys::ToSeconds(static_cast<sys::Nanos>(slot.busy_nanos.value())));
    }
  }
};

}  // namespace metrics
