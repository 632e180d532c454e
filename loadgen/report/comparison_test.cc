#include "loadgen/report/comparison.h"

#include <gtest/gtest.h>

#include <array>

namespace hydrapool::loadgen {
namespace {

using Verdict = Difference::Verdict;

/// Seconds whose rate and p99 vary a little around what is given.
std::vector<SeriesRow> Seconds(double rate, std::int64_t p99, std::size_t n = 12) {
  std::vector<SeriesRow> rows(n, {.length_s = 1, .ok = 1000});
  for (std::size_t i = 0; i < n; ++i) {
    const int noise = static_cast<int>(i * 7 % 5) - 2;
    rows[i].rate = rate * (1 + 0.01 * noise);
    rows[i].response = {.count = 1000, .p50 = 500, .p90 = 900, .p99 = p99 + p99 * noise / 50};
  }
  return rows;
}

Verdict Of(const std::vector<Difference>& differences, std::string_view measure) {
  for (const auto& difference : differences) {
    if (difference.measure == measure) return difference.verdict;
  }
  ADD_FAILURE() << measure;
  return Verdict::kSame;
}

TEST(PlanDifferencesTest, NamesWhatMakesRunsIncomparable) {
  const Plan plan{.urls = {"http://before/a"}, .rate = 400, .connections = 10, .duration = sys::kSecond};
  auto other = plan;
  other.urls = {"http://after/a"};
  other.duration = 2 * sys::kSecond;
  EXPECT_TRUE(PlanDifferences(plan, other).empty());
  other.rate = {};
  other.connections = 64;
  other.urls = {"http://after/b?c"};
  EXPECT_EQ(PlanDifferences(plan, other),
            (std::vector<std::string>{"rate: 400/s and closed loop", "connections: 10 and 64",
                                      "paths: /a and /b?c"}));
}

TEST(StudentTest, AgreesWithTheTables) {
  EXPECT_NEAR(StudentT(0.05, 3), 3.182, 0.03);
  EXPECT_NEAR(StudentT(0.05, 10), 2.228, 0.005);
  EXPECT_NEAR(StudentT(0.01, 20), 2.845, 0.005);
  EXPECT_NEAR(StudentT(0.05, 1e6), 1.960, 0.001);
}

TEST(EstimateTest, MeanAndItsVariance) {
  const auto estimate = EstimateOf(std::array{1.0, 2.0, 3.0, 4.0});
  EXPECT_DOUBLE_EQ(estimate.mean, 2.5);
  EXPECT_NEAR(estimate.variance, 5.0 / 3 / 4, 1e-12);
}

TEST(CompareTest, TheSameIsTheSame) {
  for (const auto& difference : CompareRuns(Seconds(5000, 2000), Seconds(5010, 2010), {}))
    EXPECT_EQ(difference.verdict, Verdict::kSame) << difference.measure;
}

TEST(CompareTest, SlowerAndLessIsWorseFasterAndMoreIsBetter) {
  const auto worse = CompareRuns(Seconds(5000, 2000), Seconds(4500, 2600), {});
  EXPECT_EQ(Of(worse, "rate"), Verdict::kWorse);
  EXPECT_EQ(Of(worse, "p99"), Verdict::kWorse);
  EXPECT_EQ(Of(worse, "p50"), Verdict::kSame);
  const auto better = CompareRuns(Seconds(4500, 2600), Seconds(5000, 2000), {});
  EXPECT_EQ(Of(better, "rate"), Verdict::kBetter);
  EXPECT_EQ(Of(better, "p99"), Verdict::kBetter);
}

TEST(CompareTest, ACertainButTinyDifferenceIsNone) {
  EXPECT_EQ(Of(CompareRuns(Seconds(5000, 2000, 900), Seconds(4950, 2000, 900), {}), "rate"), Verdict::kSame);
  EXPECT_EQ(Of(CompareRuns(Seconds(5000, 2000, 900), Seconds(4950, 2000, 900), {.tolerance = 0}), "rate"),
            Verdict::kWorse);
}

TEST(CompareTest, ErrorsAreWorseThanNone) {
  auto failing = Seconds(5000, 2000);
  for (auto& row : failing) row.errors = 10;
  EXPECT_EQ(Of(CompareRuns(Seconds(5000, 2000), failing, {}), "errors"), Verdict::kWorse);
}

TEST(CompareTest, TooFewSecondsSayNothing) {
  EXPECT_TRUE(CompareRuns(Seconds(5000, 2000, 4), Seconds(5000, 2000, 30), {}).empty());
  EXPECT_FALSE(CompareRuns(Seconds(5000, 2000, 5), Seconds(5000, 2000, 30), {}).empty());
}

}  // namespace
}  // namespace hydrapool::loadgen
