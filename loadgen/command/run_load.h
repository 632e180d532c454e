#pragma once

#include "loadgen/command/interrupts.h"
#include "loadgen/command/options.h"
#include "loadgen/engine/engine_choice.h"
#include "loadgen/report/report.h"
#include "loadgen/report/run_metrics.h"
#include "loadgen/stats/journal.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// Chooses the engine and raises the limit of descriptors; the error is what makes the run impossible.
sys::Result<EngineChoice> Prepare(const Options& options);

/// One run from its start to its report: watched, shown on standard error unless quiet, ended early by
/// `interrupts` or an --abort-on. `journal` and `metrics` may be null.
Report RunLoad(const Options& options, const EngineChoice& engine, const Interrupts& interrupts,
               const Journal* journal, RunMetrics* metrics);

}  // namespace hydrapool::loadgen
