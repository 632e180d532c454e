#pragma once

#include <prometheus/metric_family.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pool/shared/request_counts.h"

namespace hydrapool::metrics {

/// Which request a bucket of a histogram (one more than there are bounds is +Inf) is to name.
using ExemplarLookup = std::function<std::optional<hydrapool::Exemplar>(
    const prometheus::MetricFamily& family, const prometheus::ClientMetric& series, std::size_t bucket)>;

/// Families in OpenMetrics' text format 1.0, with exemplars (`request_id`). Counters, gauges and histograms
/// only; a counter's name ends in `_total`. https://prometheus.io/docs/specs/om/open_metrics_spec/
[[nodiscard]] std::string OpenMetricsText(const std::vector<prometheus::MetricFamily>& families,
                                          const ExemplarLookup& exemplar_of);

}  // namespace hydrapool::metrics
