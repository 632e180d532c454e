#pragma once

#include <string_view>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// A list of stages, as k6 has them: each is RATE:TIME and goes in a straight line from the rate before it to
/// its own; the first one begins at 0. The same rate twice holds it, a TIME of 0 jumps.
///
///     500:10s,500:30s,0:5s          from 0 to 500/s in 10 s, 30 s of 500/s, down to 0 in 5 s
///     100:0s,100:1m,900:0s,900:10s  a minute of 100/s, then 10 s of 900/s
///
/// Pure.
sys::Result<std::vector<Stage>> ParseStages(std::string_view text);

/// How long they take together.
sys::Nanos DurationOf(const std::vector<Stage>& stages);

/// Their requests divided by that.
double MeanRateOf(const std::vector<Stage>& stages);

}  // namespace hydrapool::loadgen
