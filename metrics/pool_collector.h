#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "pool/shared/scoreboard.h"

namespace hydrapool::metrics {

/// The hydrapool_* families: a pool's scoreboard as Prometheus wants it.
///
/// Every slot, phase and cause is there from the start at 0, and labels name slots, never pids: so series
/// neither appear nor end when workers do, and counters never fall, whatever dies. Units are seconds and
/// bytes.
///
/// Made for the pool's parent: it starts no thread, takes no lock and blocks on nothing but the kernel's own
/// reading of /proc (one small file for each living worker). Not promised: numbers of one instant, as a
/// scoreboard has none. The scoreboard must outlive it.
class PoolCollector : public prometheus::Collectable {
 public:
  explicit PoolCollector(const hydrapool::Scoreboard& board) : board_(board) {}
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const hydrapool::Scoreboard& board_;
};

}  // namespace hydrapool::metrics
