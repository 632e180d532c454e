#include "loadgen/report/slo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

/// 99 ok in 10 ms each, one refused after 2 s, over 10 s.
RunResult Example() {
  RunResult run{.scheduled = 100, .duration = 10 * kSecond};
  for (int i = 0; i < 100; ++i) {
    const Attempt attempt{.due = 0, .sent = kMillisecond};
    run.tally.Sent(attempt, true);
    run.tally.Finished(attempt, {.outcome = i == 0 ? Outcome::kRefused : Outcome::kOk,
                                 .end = i == 0 ? 2 * kSecond : 10 * kMillisecond});
  }
  return run;
}

bool Met(std::string_view text, const RunResult& run = Example()) {
  const auto slo = ParseSlo("--slo", text);
  EXPECT_TRUE(slo) << text;
  return slo && Check(*slo, FactsOf(run)).met;
}

TEST(SloTest, Latencies) {
  EXPECT_TRUE(Met("p99<50ms"));
  EXPECT_TRUE(Met("p99 <= 10.01ms"));
  EXPECT_FALSE(Met("p99<10ms"));
  EXPECT_FALSE(Met("p99.9<1s"));
  EXPECT_FALSE(Met("max<2s"));
  EXPECT_TRUE(Met("max>=2s"));
  EXPECT_TRUE(Met("mean<30ms"));
  EXPECT_TRUE(Met("service.p50<10ms"));
  EXPECT_TRUE(Met("lag.max<=1ms"));
  EXPECT_FALSE(Met("lag.max<900us"));
}

TEST(SloTest, ErrorsAndRate) {
  EXPECT_FALSE(Met("errors<1%"));
  EXPECT_TRUE(Met("errors<=1%"));
  EXPECT_TRUE(Met("errors<2"));
  EXPECT_FALSE(Met("errors<=0"));
  EXPECT_TRUE(Met("rps>9.8"));
  EXPECT_FALSE(Met("rps>=10"));
}

TEST(SloTest, SaysTheValue) {
  const auto run = Example();
  const auto verdict = Check(*ParseSlo("--slo", "errors < 0.1%"), FactsOf(run));
  EXPECT_EQ(verdict.text, "errors<0.1%");
  EXPECT_EQ(verdict.shown, "1 %");
  EXPECT_EQ(Check(*ParseSlo("--slo", "p50<1s"), FactsOf(run)).shown, "10.0 ms");
}

TEST(SloTest, ARunThatSentNothingMeetsNothing) { EXPECT_FALSE(Met("p99<50ms", {})); }

TEST(SloTest, WhatIsNotOneIsSaid) {
  for (const auto* text : {"", "p99", "p99<50", "p101<1s", "p<1s", "q99<1s", "rps>fast", "errors<%", "p99=1s",
                           "service.rps>1", "p99<-1ms", "rps>-1"}) {
    const auto slo = ParseSlo("--slo", text);
    ASSERT_FALSE(slo) << text;
    EXPECT_THAT(slo.error().message, ::testing::HasSubstr("is not an objective"));
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
