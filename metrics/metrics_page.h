#pragma once

#include <string>
#include <string_view>

#include "pool/shared/scoreboard.h"

namespace hydrapool::metrics {

/// What hydrapool_build_info says.
struct BuildInfo {
  std::string version;
};

/// The media types to answer /metrics with.
inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr const char* kOpenMetricsContentType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The pool's whole /metrics page in Prometheus' text format: build info, the pool's families
/// (pool_collector.h) and those of the calling process (process_collector.h). Starts no thread and needs no
/// prometheus header at the caller's. https://prometheus.io/docs/instrumenting/exposition_formats/
[[nodiscard]] std::string RenderMetrics(const hydrapool::Scoreboard& board, const BuildInfo& build);

/// The same in OpenMetrics' text format, where buckets of hydrapool_request_seconds name a request by its id.
[[nodiscard]] std::string RenderOpenMetrics(const hydrapool::Scoreboard& board, const BuildInfo& build);

/// Whether an Accept field (RFC 9110, section 12.5.1) names OpenMetrics, and no plain text that it likes
/// better.
[[nodiscard]] bool WantsOpenMetrics(std::string_view accept);

}  // namespace hydrapool::metrics
