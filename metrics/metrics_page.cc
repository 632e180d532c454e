#include "metrics/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <iterator>
#include <vector>

#include "metrics/family.h"
#include "metrics/pool_collector.h"
#include "metrics/process_collector.h"

namespace hydrapool::metrics {

std::string RenderMetrics(const hydrapool::Scoreboard& board, const BuildInfo& build) {
  std::vector<prometheus::MetricFamily> families;
  families.push_back(GaugeFamily("hydrapool_build_info", "1, with the version of this hydrapool."));
  AddSample(families.back(), 1, {{"version", build.version}});
  for (auto collected : {PoolCollector(board).Collect(), ProcessCollector().Collect()}) {
    std::move(collected.begin(), collected.end(), std::back_inserter(families));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace hydrapool::metrics
