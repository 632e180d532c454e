#pragma once

#include <span>
#include <string>
#include <vector>

#include "loadgen/report/series_rows.h"

namespace hydrapool::loadgen {

/// A mean of batches and how far it may be off.
struct Estimate {
  double mean = 0;
  double variance = 0;  ///< of the mean
  std::size_t batches = 0;
};
[[nodiscard]] Estimate EstimateOf(std::span<const double> batches);

/// The t for which a variable of Student's distribution is within ±t with probability 1 - `alpha`; for 3
/// degrees of freedom or more within 1 %. (Abramowitz and Stegun, 26.7.5; 26.2.23 for the normal quantile.)
[[nodiscard]] double StudentT(double alpha, double degrees);

/// How B differs from A in one measure: B's mean less A's, relative to A's.
struct Difference {
  enum class Verdict { kSame, kBetter, kWorse };
  std::string measure;
  double a = 0;
  double b = 0;
  double low = 0;  ///< The interval of B - A, in the measure's unit.
  double high = 0;
  Verdict verdict = Verdict::kSame;
};

struct CompareRules {
  double alpha = 0.05;      ///< Of all measures together: each has its share (Bonferroni).
  double tolerance = 0.02;  ///< A difference of less than this part of A's mean is none.
};

/// Compares two runs second by second: rate, p50, p90 and p99 of response latencies, share of errors. A
/// difference is one where its whole confidence interval (Welch) lies beyond zero and its middle beyond the
/// tolerance. Seconds are taken for independent of each other: where they are not, intervals come out too
/// narrow, so run longer rather than believe a narrow verdict.
///
/// The first second of each run (connections are made in it) and what is shorter than half the others are
/// left out. Empty where fewer than kFewest seconds remain of either. Pure.
[[nodiscard]] std::vector<Difference> CompareRuns(const std::vector<SeriesRow>& a,
                                                  const std::vector<SeriesRow>& b, const CompareRules& rules);
inline constexpr std::size_t kFewest = 4;

/// In what the plans of two runs differ that should be alike where they are compared: "connections: 10 and
/// 64". Not their hosts, their lengths and their seeds. Empty where they are alike. Pure.
[[nodiscard]] std::vector<std::string> PlanDifferences(const Plan& a, const Plan& b);

}  // namespace hydrapool::loadgen
