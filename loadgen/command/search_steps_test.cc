#include "loadgen/command/search_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A run of one request, as it was judged.
Report RunOf(bool valid, bool met) {
  RunResult run{.scheduled = 1, .duration = sys::kSecond, .sending = sys::kSecond};
  run.tally.Sent({}, true);
  run.tally.Finished({}, {.outcome = Outcome::kOk, .end = sys::kMillisecond, .status = 200});
  auto report = MakeReport("raw", {.targets = {{.url = "http://h/"}}}, std::move(run));
  report.self.valid = valid;
  report.self.reason = valid ? "" : "the generator was late";
  report.slos = {{.text = "p99<50ms", .met = met, .shown = "90 ms", .samples = 1}};
  return report;
}

/// What became of a search whose steps were these.
class Search {
 public:
  Search& Step(double rate, bool valid, bool met) {
    steps_.push_back(JudgeStep(rate, RunOf(valid, met)));
    search_.Tell(rate, steps_.back().holds);
    return *this;
  }
  [[nodiscard]] SearchEnd End(bool stopped = false) const {
    return Conclude({{.text = "p99<50ms"}}, search_, steps_, stopped);
  }

 private:
  RateSearch search_{RateSearch::Rules{}};
  std::vector<SearchStep> steps_;
};

TEST(SearchCurveTest, IsOfAPercentileThatIsKnown) {
  const auto of = [](int requests) {
    RunResult run{.duration = sys::kSecond};
    for (int i = 0; i < requests; ++i) {
      run.tally.Sent({}, true);
      run.tally.Finished({}, {.outcome = Outcome::kOk, .end = sys::kMillisecond, .status = 200});
    }
    return Curve(
        {JudgeStep(1, RunOf(true, true)),
         JudgeStep(requests, MakeReport("raw", {.targets = {{.url = "http://h/"}}}, std::move(run)))});
  };
  EXPECT_THAT(of(1000), StartsWith("p99 by rate"));
  EXPECT_THAT(of(100), StartsWith("p90 by rate"));
  EXPECT_THAT(of(20), StartsWith("p50 by rate"));
  EXPECT_THAT(of(20), HasSubstr("1.00 ms\n"));
}

TEST(SearchStepTest, AGeneratorThatWasLateSaysNothingOfTheServer) {
  const auto step = JudgeStep(80'000, RunOf(false, false));
  EXPECT_TRUE(step.own_fault);
  EXPECT_FALSE(step.holds);
  EXPECT_THAT(StepLine(step), HasSubstr("the generator was late"));
  EXPECT_THAT(StepLine(step), Not(HasSubstr("p99<50ms")));
  EXPECT_TRUE(JudgeStep(80'000, RunOf(false, true)).own_fault);
  EXPECT_FALSE(JudgeStep(80'000, RunOf(true, false)).own_fault);
  EXPECT_TRUE(JudgeStep(80'000, RunOf(true, true)).holds);
}

TEST(SearchEndTest, TheLowestRateThatDidNotHoldSaysWhoseLimitItIs) {
  const auto own = Search().Step(100, true, true).Step(200, false, false).End();
  EXPECT_EQ(own.code, kInvalid);
  EXPECT_THAT(own.words,
              HasSubstr("100.0 requests/s is the highest rate found with p99<50ms; the generator"));
  const auto servers = Search().Step(100, true, true).Step(200, false, false).Step(150, true, false).End();
  EXPECT_EQ(servers.code, kRan) << "the server gave up first";
  EXPECT_THAT(servers.words, Not(HasSubstr("generator")));
  EXPECT_EQ(Search().Step(100, true, true).Step(200, true, false).Step(150, false, true).End().code,
            kInvalid);
}

TEST(SearchEndTest, WhereNoRateHolds) {
  const auto none = Search().Step(2, true, false).Step(1, true, false).End();
  EXPECT_EQ(none.code, kMissed);
  EXPECT_EQ(none.words, "no rate was found with p99<50ms");
  EXPECT_EQ(Search().Step(2, true, false).Step(1, false, false).End().code, kInvalid);
}

TEST(SearchEndTest, ASearchThatWasStoppedSaysSo) {
  const auto nothing = Search().End(true);
  EXPECT_EQ(nothing.code, kNothing);
  EXPECT_EQ(nothing.words, "no rate was found with p99<50ms: it was stopped before");
  EXPECT_EQ(Search().Step(100, true, false).End(true).code, kNothing) << "fewer may have held";
  const auto some = Search().Step(100, true, true).End(true);
  EXPECT_EQ(some.code, kRan);
  EXPECT_THAT(some.words,
              HasSubstr("100.0 requests/s is the highest rate found with p99<50ms; it was stopped"));
}

}  // namespace
}  // namespace hydrapool::loadgen
