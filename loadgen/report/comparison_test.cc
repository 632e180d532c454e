#include "loadgen/report/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace hydrapool::loadgen {
namespace {

/// `n` seconds of 1000 answers each around `p50`, of which one in 50 takes `slow`; the seconds differ a
/// little.
RunSample RunOf(double rate, std::int64_t p50, std::int64_t slow, std::size_t n = 30) {
  RunSample run;
  for (std::size_t i = 0; i < n; ++i) {
    const double noise = 1 + 0.004 * (static_cast<double>(i * 7 % 5) - 2);
    SampleSecond second{.completed = rate * noise, .ended = rate * noise};
    for (int k = 0; k < 1000; ++k) {
      const auto micros = static_cast<double>(k % 50 == 0 ? slow : p50 + p50 * (k % 50) / 100);
      second.Add(static_cast<std::int64_t>(micros * noise));
    }
    run.seconds.push_back(std::move(second));
  }
  run.own = FiguresOf(run.seconds);
  run.max = static_cast<double>(slow);
  run.answers = 1000 * n;
  return run;
}

const Difference& Of(const std::vector<Difference>& differences, std::string_view measure) {
  const auto found = std::ranges::find(differences, measure, &Difference::measure);
  if (found == differences.end()) throw std::out_of_range(std::string(measure));
  return *found;
}

CompareVerdict Verdict(const std::vector<Difference>& differences, std::string_view measure) {
  return Of(differences, measure).verdict;
}

TEST(PlanDifferencesTest, NamesWhatMakesRunsIncomparable) {
  const Plan plan{.targets = {{.url = "http://before/a"}},
                  .arrivals = {.rate = 400, .duration = sys::kSecond},
                  .connections = 10};
  auto other = plan;
  other.targets[0].url = "http://after/a";
  other.arrivals.duration = 2 * sys::kSecond;
  EXPECT_TRUE(PlanDifferences(plan, other).empty());
  other.arrivals.rate = {};
  other.connections = 64;
  other.targets[0].url = "http://after/b?c";
  EXPECT_EQ(PlanDifferences(plan, other),
            (std::vector<std::string>{"rate: 400/s and closed loop", "connections: 10 and 64",
                                      "paths: /a and /b?c"}));
}

TEST(CompareTest, TheSameIsTheSame) {
  const auto differences = CompareRuns(RunOf(5000, 2000, 9000), RunOf(5010, 2005, 9020), {});
  for (const auto* figure : {"rate", "p50", "p90", "p99", "p99.9", "errors"})
    EXPECT_EQ(Verdict(differences, figure), CompareVerdict::kSame) << figure;
  EXPECT_EQ(VerdictOf(differences), CompareVerdict::kSame);
  EXPECT_LT(Of(differences, "p50").within(), 0.02);
}

TEST(CompareTest, SlowerAndLessIsWorseFasterAndMoreIsBetter) {
  const auto worse = CompareRuns(RunOf(5000, 2000, 9000), RunOf(4500, 2000, 12000), {});
  EXPECT_EQ(Verdict(worse, "rate"), CompareVerdict::kWorse);
  EXPECT_EQ(Verdict(worse, "p99"), CompareVerdict::kWorse);
  EXPECT_EQ(Verdict(worse, "p50"), CompareVerdict::kSame);
  EXPECT_EQ(VerdictOf(worse), CompareVerdict::kWorse);
  const auto better = CompareRuns(RunOf(4500, 2000, 12000), RunOf(5000, 2000, 9000), {});
  EXPECT_EQ(Verdict(better, "rate"), CompareVerdict::kBetter);
  EXPECT_EQ(Verdict(better, "p99"), CompareVerdict::kBetter);
  EXPECT_EQ(VerdictOf(better), CompareVerdict::kBetter);
}

TEST(CompareTest, ACertainButTinyDifferenceIsNone) {
  const auto a = RunOf(5000, 2000, 9000, 300);
  const auto b = RunOf(4950, 2000, 9000, 300);
  EXPECT_EQ(Verdict(CompareRuns(a, b, {}), "rate"), CompareVerdict::kSame);
  EXPECT_EQ(Verdict(CompareRuns(a, b, {.tolerance = 0}), "rate"), CompareVerdict::kWorse);
}

TEST(CompareTest, ErrorsAreWorseThanNone) {
  auto failing = RunOf(5000, 2000, 9000);
  for (auto& second : failing.seconds) second.errors = 10;
  failing.own = FiguresOf(failing.seconds);
  EXPECT_EQ(Verdict(CompareRuns(RunOf(5000, 2000, 9000), failing, {}), "errors"), CompareVerdict::kWorse);
}

/// With one second in which `of` in a thousand answers took a second.
RunSample Stalled(RunSample run, std::size_t second, int of) {
  for (int i = 0; i < of; ++i) run.seconds[second].Add(1'000'000 - 1000 * i);
  run.answers += static_cast<std::uint64_t>(of);
  run.own = FiguresOf(run.seconds);
  run.max = 1'000'000;
  return run;
}

TEST(CompareTest, ASingleStallIsNoDifferenceOfNone) {
  for (const std::size_t n : {8u, 30u, 120u}) {
    for (const std::size_t second : {std::size_t{0}, n / 2, n - 1}) {
      const auto calm = RunOf(1000, 2000, 9000, n);
      for (const int slow : {1000, 100, 1}) {
        const auto stalled = Stalled(calm, second, slow);
        EXPECT_EQ(VerdictOf(CompareRuns(calm, stalled, {})), CompareVerdict::kUnclear) << n << " " << slow;
        EXPECT_EQ(VerdictOf(CompareRuns(stalled, calm, {})), CompareVerdict::kUnclear) << n << " " << slow;
      }
    }
  }
}

TEST(CompareTest, AStallEachFewSecondsIsWorse) {
  const auto calm = RunOf(1000, 2000, 9000, 60);
  auto stalling = calm;
  for (std::size_t i = 0; i < 60; i += 4) stalling = Stalled(stalling, i, 300);
  EXPECT_EQ(Verdict(CompareRuns(calm, stalling, {}), "p99"), CompareVerdict::kWorse);
}

TEST(CompareTest, AnOutageIsNotNothing) {
  const auto calm = RunOf(1000, 2000, 9000, 30);
  auto out = calm;
  out.seconds[9].errors = 900;
  out.own = FiguresOf(out.seconds);
  EXPECT_EQ(VerdictOf(CompareRuns(calm, out, {})), CompareVerdict::kUnclear);
}

/// From second `n` on it answered nothing, and what was due counts as errors.
RunSample HungFrom(std::size_t n, RunSample run) {
  for (std::size_t i = n; i < run.seconds.size(); ++i)
    run.seconds[i] = {.ended = run.seconds[i].ended, .errors = run.seconds[i].ended};
  run.answers = 1000 * n;
  run.own = FiguresOf(run.seconds);
  if (n == 0) run.max = 0;
  return run;
}

TEST(CompareTest, AServerThatHangsIsWorseOrInDoubt) {
  const auto calm = RunOf(1000, 2000, 9000, 30);
  EXPECT_EQ(VerdictOf(CompareRuns(calm, HungFrom(0, calm), {})), CompareVerdict::kWorse);
  EXPECT_EQ(VerdictOf(CompareRuns(HungFrom(0, calm), calm, {})), CompareVerdict::kBetter);
  for (const std::size_t n : {std::size_t{1}, std::size_t{10}, std::size_t{20}, std::size_t{29}}) {
    const auto verdict = VerdictOf(CompareRuns(calm, HungFrom(n, calm), {}));
    EXPECT_TRUE(verdict == CompareVerdict::kWorse || verdict == CompareVerdict::kUnclear) << n;
  }
  const auto differences = CompareRuns(calm, HungFrom(0, calm), {});
  EXPECT_EQ(Verdict(differences, "rate"), CompareVerdict::kWorse);
  EXPECT_EQ(Of(differences, "rate").change, -1);
  EXPECT_EQ(Verdict(differences, "errors"), CompareVerdict::kWorse);
  EXPECT_TRUE(Of(differences, "p50").a_known);
  EXPECT_FALSE(Of(differences, "p50").b_known);
  EXPECT_FALSE(Of(differences, "max").b_known);
}

TEST(CompareTest, OfTwoHungServersNothingCanBeSaid) {
  auto hung = RunOf(0, 2000, 9000, 30);
  for (auto& second : hung.seconds) second = {};
  hung.own = FiguresOf(hung.seconds);
  hung.answers = 0;
  EXPECT_EQ(Verdict(CompareRuns(hung, hung, {}), "rate"), CompareVerdict::kUnclear);
}

TEST(CompareTest, OfFewRequestsNoTailIsSpokenOf) {
  auto few = RunOf(5, 2000, 9000);
  few.answers = 150;
  const auto differences = CompareRuns(few, few, {});
  EXPECT_FALSE(Of(differences, "p90").too_few);
  EXPECT_TRUE(Of(differences, "p99").too_few);
  EXPECT_EQ(Verdict(differences, "p99"), CompareVerdict::kUnclear);
}

TEST(CompareTest, TooFewSecondsSayNothing) {
  EXPECT_TRUE(CompareRuns(RunOf(5000, 2000, 9000, 3), RunOf(5000, 2000, 9000, 30), {}).empty());
  EXPECT_FALSE(CompareRuns(RunOf(5000, 2000, 9000, 4), RunOf(5000, 2000, 9000, 30), {}).empty());
}

}  // namespace
}  // namespace hydrapool::loadgen
