#include "metrics/limit_family.h"

#include <string>

#include "metrics/family.h"

namespace hydrapool::metrics {

prometheus::MetricFamily LimitFamily(const Scoreboard& board) {
  prometheus::MetricFamily family = CounterFamily(
      "hydrapool_limit_hits_total", "How often a connection or a request ran into one of its limits.");
  for (std::size_t limit = 0; limit < kLimitNames.size(); ++limit) {
    std::uint64_t hits = 0;
    for (std::size_t i = 0; i < board.workers(); ++i) hits += board.slot(i).limits[limit].value();
    AddSample(family, static_cast<double>(hits), {{"limit", std::string(kLimitNames[limit])}});
  }
  return family;
}

}  // namespace hydrapool::metrics
