#pragma once

#include <string>

#include "harness/observe/run_record.h"
#include "harness/report/run_report.h"
#include "harness/verdict/verdict.h"

namespace hydrapool::harness {

/// A run as one HTML file that needs nothing else: verdict and reasons; latency and errors over time with the
/// faults shaded, where loadgen asked; a lane for each worker with its lives; what came of each fault and how
/// long each step took; each failed request and what explains it; how to make it come again. Pure.
[[nodiscard]] std::string RunHtml(const RunTitle& title, const RunRecord& run, const Judgement& judgement);

}  // namespace hydrapool::harness
