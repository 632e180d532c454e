#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "loadgen/command/exit_code.h"
#include "loadgen/command/rate_search.h"
#include "loadgen/report/report.h"
#include "loadgen/report/slo.h"

namespace hydrapool::loadgen {

/// A rate that `loadgen search` tried.
struct SearchStep {
  double rate = 0;
  bool holds = false;
  /// It says nothing of the server: the run was INVALID. Its objectives may be missed by that alone.
  bool own_fault = false;
  Report report;
};

/// Judges a run at this rate. Pure.
SearchStep JudgeStep(double rate, Report report);

/// "✗   200.0/s  p50 …  p99 …  WHY", a line.
std::string StepLine(const SearchStep& step);

/// Of each step's p99, by rate; of a lower percentile where too few were answered to know any p99.
std::string Curve(std::vector<SearchStep> steps);

/// What a search came to.
struct SearchEnd {
  ExitCode code = kRan;
  std::string words;
};

/// The end of a search that tried `steps`; `stopped`: by a signal. Where the lowest rate that did not hold is
/// the generator's own fault, the limit that was found is the generator's. Pure.
SearchEnd Conclude(const std::vector<Slo>& slos, const RateSearch& search,
                   const std::vector<SearchStep>& steps, bool stopped);

nlohmann::ordered_json ToJson(const std::vector<SearchStep>& steps, const RateSearch& search,
                              const std::string& words);

}  // namespace hydrapool::loadgen
