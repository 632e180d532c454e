#pragma once

#include <prometheus/metric_family.h>

#include "pool/shared/scoreboard.h"

namespace hydrapool::metrics {

/// hydrapool_limit_hits_total, by Limit, over all slots.
[[nodiscard]] prometheus::MetricFamily LimitFamily(const Scoreboard& board);

}  // namespace hydrapool::metrics
