#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "metrics/duration_counts.h"

/// Short ways to fill prometheus::MetricFamily. HELP text is written out unescaped by prometheus-cpp 1.0.1:
/// no backslash and no line break in it. Nothing here checks names: a family given twice makes Prometheus
/// refuse the whole page.
namespace hydrapool::metrics {

using Labels = std::vector<prometheus::ClientMetric::Label>;

[[nodiscard]] prometheus::MetricFamily CounterFamily(std::string name, std::string help);
[[nodiscard]] prometheus::MetricFamily GaugeFamily(std::string name, std::string help);

/// Adds a value to a family of counters or gauges.
void AddSample(prometheus::MetricFamily& family, double value, Labels labels = {});

[[nodiscard]] prometheus::MetricFamily HistogramFamily(std::string name, std::string help);
void AddHistogram(prometheus::MetricFamily& family, const DurationCounts& durations, Labels labels = {});

}  // namespace hydrapool::metrics
