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

prometheus::MetricFamily HistogramFamily(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Histogram, {}};
}

void AddHistogram(prometheus::MetricFamily& family, const DurationCounts& durations, Labels labels) {
  constexpr auto& kBounds = hydrapool::DurationHistogram::kBounds;
  prometheus::ClientMetric& sample = family.metric.emplace_back();
  sample.label = std::move(labels);
  prometheus::ClientMetric::Histogram& histogram = sample.histogram;
  histogram.bucket.reserve(kBounds.size());
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    cumulative += durations.count(i);
    histogram.bucket.push_back({cumulative, sys::ToSeconds(kBounds[i])});
  }
  histogram.sample_count = cumulative + durations.count(kBounds.size());
  histogram.sample_sum = durations.sum_seconds();
}

}  // namespace hydrapool::metrics
