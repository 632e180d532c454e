#pragma once

#include <string>
#include <vector>

#include "loadgen/plan/plan.h"
#include "loadgen/report/bootstrap.h"

namespace hydrapool::loadgen {

/// What is said of B beside A.
enum class CompareVerdict {
  kSame,     ///< no difference larger than `within`
  kBetter,   ///< B is
  kWorse,    ///< B is
  kUnclear,  ///< nothing can be said
};
std::string_view Name(CompareVerdict verdict);

/// How B differs from A in one figure: relative to A, but of errors the difference of two shares.
struct Difference {
  std::string measure;
  double a = 0;
  double b = 0;
  double change = 0;
  double low = 0;  ///< The interval of `change`.
  double high = 0;
  CompareVerdict verdict = CompareVerdict::kUnclear;
  /// Too few requests lie beyond the percentile to speak of it (or there is one of them: max).
  bool too_few = false;
  bool a_known = true;  ///< Enough of its own lie beyond it for `a` to say something.
  bool b_known = true;
  /// So large a change that it must not pass for none, though it may be chance.
  bool suspicious = false;

  /// No difference is larger: the end of the interval that is further from none.
  [[nodiscard]] double within() const;
};

struct CompareRules {
  double alpha = 0.05;       ///< Of all figures together: each has its share (Bonferroni).
  double tolerance = 0.02;   ///< A smaller change is none.
  double resolution = 0.25;  ///< Where a larger difference cannot be ruled out, nothing can be said.
};

/// Compares the runs' own figures: rate, p50, p90, p99, p99.9 and max of ok answers, share of errors. How far
/// each may be off is asked of the run's own seconds (bootstrap.h); the interval is Student's, with Welch's
/// degrees of freedom.
///
///   better, worse   the whole interval lies beyond none, and the change beyond the tolerance; of a
///   percentile
///                   also the slow seconds are on one side more often than a coin puts them there (binomial
///                   test): a run that happened to see no stall knows nothing of how rare they are
///   same            the whole interval lies within ±resolution (of p99.9: four times that, of errors ±0.1
///                   percentage points), or is beyond none and the change within the tolerance
///   unclear         the rest; fewer than ten answers beyond the percentile; max, which is one answer
///
/// A server that answers nothing any more has a rate all the same, 0 (where it is A, 0.001/s stands for it),
/// and errors: what it left unanswered and what was never sent.
///
/// An unclear change that is itself larger than the resolution is suspicious (of max: tenfold and by 100 ms):
/// a single stall looks so.
///
/// Two runs of the same thing are called different at most 5 times in 100; a change of 5 % in all latencies
/// is found 9 times in 10 by runs of two minutes (compare_power_test.cc, with seconds that depend on each
/// other). Empty where either run has fewer than kFewestSeconds. Pure.
[[nodiscard]] std::vector<Difference> CompareRuns(const RunSample& a, const RunSample& b,
                                                  const CompareRules& rules);

/// Of all: worse if any is; else unclear if any is suspicious, or a figure other than p99.9 and max is for
/// another reason than too few requests; else better if any is; else same. Pure.
[[nodiscard]] CompareVerdict VerdictOf(const std::vector<Difference>& differences);

/// In what the plans of two runs differ that should be alike where they are compared: "connections: 10 and
/// 64". Not their hosts, their lengths and their seeds. Empty where they are alike. Pure.
[[nodiscard]] std::vector<std::string> PlanDifferences(const Plan& a, const Plan& b);

}  // namespace hydrapool::loadgen
