#include "metrics/family.h"

#include <utility>

namespace hydrapool::metrics {

prometheus::MetricFamily CounterFamily(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Counter, {}};
}

prometheus::MetricFamily GaugeFamily(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Gauge, {}};
}

void AddSample(prometheus::MetricFamily& family, double value, Labels labels) {
  prometheus::ClientMetric& sample = family.metric.emplace_back();
  sample.label = std::move(labels);
  if (family.type == prometheus::MetricType::Counter) {
    sample.counter.value = value;
  } else {
    sample.gauge.value = value;
  }
}

prometheus::MetricFamily HistogramFamily(std::string name, std::string help,
                                         const DurationCounts& durations) {
  constexpr auto& kBounds = hydrapool::DurationHistogram::kBounds;
  prometheus::MetricFamily family{std::move(name), std::move(help), prometheus::MetricType::Histogram, {}};
  prometheus::ClientMetric::Histogram& histogram = family.metric.emplace_back().histogram;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    cumulative += durations.count(i);
    histogram.bucket.push_back({cumulative, sys::ToSeconds(kBounds[i])});
  }
  histogram.sample_count = cumulative + durations.count(kBounds.size());
  histogram.sample_sum = durations.sum_seconds();
  return family;
}

}  // namespace hydrapool::metrics
