#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "loadgen/report/bootstrap.h"
#include "loadgen/stats/interval_series.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// How precisely a percentile is to be known before a run may end: 'p99±5%' (or 'p99+-5%'): the 95 % interval
/// of the ok answers' p99 (bootstrap.h) reaches at most 5 % of it to either side. p50, p90, p99 or p99.9.
///
/// A run that is looked at again and again ends at the first interval that happens to be narrow enough, so
/// that it is a little narrower than it should be.
struct Until {
  std::string text;
  Figure figure = Figure::kP99;
  double share = 0;
};

/// Pure.
sys::Result<Until> ParseUntil(std::string_view text);

/// How far the figure's interval reaches, as a share of it, after a run's first whole seconds; nullopt where
/// they are too few to say. Takes some milliseconds for a minute of a run. Pure.
std::optional<double> PrecisionSoFar(const Until& until, const IntervalSeries& series, sys::Nanos elapsed);

/// What became of it, in words. Pure.
std::string Tell(const Until& until, const RunResult& run);

/// Of a run that is over. Pure.
std::optional<double> PrecisionOf(const Until& until, const RunSample& sample);

}  // namespace hydrapool::loadgen
