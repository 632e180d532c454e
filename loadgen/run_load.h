#pragma once

#include "loadgen/engine_choice.h"
#include "loadgen/journal.h"
#include "loadgen/options.h"
#include "loadgen/report.h"
#include "loadgen/run_metrics.h"
#include "pool/sys/error.h"

namespace loadgen {

/// Chooses the engine and raises the limit of descriptors; the error is what makes the run impossible.
sys::Result<EngineChoice> Prepare(const Options& options);

/// One run from its start to its report: watched, shown on standard error unless quiet, ended early by
/// SIGINT, SIGTERM or an --abort-on. A second signal ends the process at once. `journal` and `metrics` may be
/// null.
Report RunLoad(const Options& options, const EngineChoice& engine, const Journal* journal,
               RunMetrics* metrics);

}  // namespace loadgen
