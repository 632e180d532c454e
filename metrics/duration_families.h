#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "pool/shared/scoreboard.h"

namespace hydrapool::metrics {

/// The histograms of a pool: how long deaths, requests and programs take. Requests are told apart by mount
/// and class of the answer, programs by mount; each mount has all its series from the start.
void AppendDurationFamilies(const hydrapool::Scoreboard& board,
                            std::vector<prometheus::MetricFamily>& families);

/// A request that fell into a bucket of one of these series; nullopt: none is known.
[[nodiscard]] std::optional<hydrapool::Exemplar> ExemplarOf(const hydrapool::Scoreboard& board,
                                                            const prometheus::MetricFamily& family,
                                                            const prometheus::ClientMetric& series,
                                                            std::size_t bucket);

}  // namespace hydrapool::metrics
