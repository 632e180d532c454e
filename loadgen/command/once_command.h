#pragma once

#include "loadgen/command/exit_code.h"
#include "loadgen/command/options.h"
#include "loadgen/engine/engine_choice.h"
#include "loadgen/stats/tally.h"

namespace hydrapool::loadgen {

/// `loadgen --once`: sends the plan's first request, or its first session, through the engine that a run
/// would use, prints what went over the wire (transcript.h) and what became of it. kRan: the answer is ok;
/// kNothing: none came, or it could not be printed; kMissed: it is not ok.
int RunOnce(const Options& options, const EngineChoice& engine);

/// The exit code for what became of it; kNothing also where nothing was sent. Pure.
[[nodiscard]] ExitCode CodeOfOnce(const Tally& tally);

}  // namespace hydrapool::loadgen
