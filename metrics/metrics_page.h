#pragma once

#include <string>

#include "pool/shared/scoreboard.h"

namespace hydrapool::metrics {

/// What hydrapool_build_info says.
struct BuildInfo {
  std::string version;
};

/// The media type to answer /metrics with.
inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// The pool's whole /metrics page in Prometheus' text format: build info, the pool's families
/// (pool_collector.h) and those of the calling process (process_collector.h). Starts no thread and needs no
/// prometheus header at the caller's. https://prometheus.io/docs/instrumenting/exposition_formats/
[[nodiscard]] std::string RenderMetrics(const hydrapool::Scoreboard& board, const BuildInfo& build);

}  // namespace hydrapool::metrics
