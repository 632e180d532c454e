#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace hydrapool::metrics {

/// Prometheus' standard process_* families of the calling process, which prometheus-cpp itself does not have.
class ProcessCollector : public prometheus::Collectable {
 public:
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace hydrapool::metrics
