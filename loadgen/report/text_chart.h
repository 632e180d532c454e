#pragma once

#include <span>
#include <string>

#include "loadgen/stats/latency_histogram.h"

/// Small plots in text. Pure.
namespace hydrapool::loadgen {

/// One of ▁▂▃▄▅▆▇█ for each value, the highest being █; a blank where the value is 0 or below.
[[nodiscard]] std::string Sparkline(std::span<const double> values);

/// A bar of `share` (0 to 1) of `width` columns, in eighths: "███▌".
[[nodiscard]] std::string Bar(double share, std::size_t width);

/// A percentile for people: "1.23 ms"; "-" where fewer than ten values lie beyond it (EnoughFor).
[[nodiscard]] std::string PercentileText(const LatencyHistogram& histogram, double percentile);

/// A histogram with a line for each of about `lines` steps of equal ratio, from its lowest value to its
/// highest: upper end, bar, count. Empty where nothing was recorded.
///
///     ≤   200 µs  ████████████████████████████▌  12034
///     ≤   400 µs  ████▏                           1730
[[nodiscard]] std::string DrawHistogram(const LatencyHistogram& histogram, std::size_t lines,
                                        std::size_t width);

}  // namespace hydrapool::loadgen
