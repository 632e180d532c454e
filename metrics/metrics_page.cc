#include "metrics/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <vector>

#include "metrics/duration_families.h"
#include "metrics/family.h"
#include "metrics/open_metrics.h"
#include "metrics/pool_collector.h"
#include "metrics/process_collector.h"

namespace hydrapool::metrics {
namespace {

std::vector<prometheus::MetricFamily> Families(const hydrapool::Scoreboard& board, const BuildInfo& build) {
  std::vector<prometheus::MetricFamily> families;
  families.push_back(GaugeFamily("hydrapool_build_info", "1, with the version of this hydrapool."));
  AddSample(families.back(), 1, {{"version", build.version}});
  for (auto collected : {PoolCollector(board).Collect(), ProcessCollector().Collect()}) {
    std::move(collected.begin(), collected.end(), std::back_inserter(families));
  }
  return families;
}

/// How much an Accept field likes a type that it names itself, 0 to 1.
double Liking(std::string_view accept, std::string_view type) {
  double most = 0;
  while (!accept.empty()) {
    std::string range(accept.substr(0, accept.find(',')));
    accept.remove_prefix(std::min(accept.size(), range.size() + 1));
    std::erase_if(range, [](char c) { return c == ' ' || c == '\t'; });
    std::ranges::transform(range, range.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    if (range.substr(0, range.find(';')) != type) continue;
    const auto quality = range.find(";q=");
    most = std::max(most, quality == range.npos ? 1.0 : std::strtod(range.c_str() + quality + 3, nullptr));
  }
  return most;
}

}  // namespace

std::string RenderMetrics(const hydrapool::Scoreboard& board, const BuildInfo& build) {
  return prometheus::TextSerializer().Serialize(Families(board, build));
}

std::string RenderOpenMetrics(const hydrapool::Scoreboard& board, const BuildInfo& build) {
  return OpenMetricsText(Families(board, build),
                         [&board](const auto& family, const auto& series, std::size_t bucket) {
                           return ExemplarOf(board, family, series, bucket);
                         });
}

bool WantsOpenMetrics(std::string_view accept) {
  const double liking = Liking(accept, "application/openmetrics-text");
  return liking > 0 && liking >= Liking(accept, "text/plain");
}

}  // namespace hydrapool::metrics
