#pragma once

#include <string>
#include <utility>
#include <vector>

#include "loadgen/report/report.h"
#include "loadgen/stats/latency_histogram.h"

namespace hydrapool::loadgen {

/// A run as one HTML file that needs nothing else: latency over time by percentile, rate, errors, lag, the
/// percentile curve, phases, workers, objectives, with the report's faults shaded. Light or dark as the
/// reader prefers. All that came from outside is in a block of JSON in which no tag can end, and reaches the
/// page as text only. Pure.
[[nodiscard]] std::string ToHtml(const Report& report);

/// A page of loadgen's: its title, and what page/report.js gets as `data`.
[[nodiscard]] std::string HtmlPage(const std::string& title, const nlohmann::ordered_json& data);

/// The points of a percentile curve: percentiles with their values in µs, each halving of the distance to
/// 100 % in four steps, as far as there are values to tell them apart. Pure.
[[nodiscard]] std::vector<std::pair<double, std::int64_t>> PercentileCurve(const LatencyHistogram& histogram);

}  // namespace hydrapool::loadgen
