#pragma once

#include <nlohmann/json_fwd.hpp>

#include "loadgen/stats/interval_series.h"

namespace hydrapool::loadgen {

/// A run's course, as a report has it (report.h): a row for each interval in which something happened. Its
/// latencies are for people; whoever adds runs up takes the histograms of the HdrHistogram log.
nlohmann::ordered_json SeriesJson(const IntervalSeries& series);

/// What SeriesJson wrote, without the latencies. Throws nlohmann's exceptions.
IntervalSeries ReadSeries(const nlohmann::json& json);

/// Of a number of seconds.
[[nodiscard]] sys::Nanos NanosOf(const nlohmann::json& seconds);

}  // namespace hydrapool::loadgen
