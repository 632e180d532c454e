#include "loadgen/report/bootstrap.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(SampleSecondTest, BucketsAreInOrderAndHoldWhatTheyShould) {
  for (const std::int64_t micros : {0, 1, 63, 64, 65, 127, 128, 1000, 65'535, 65'536, 3'600'000}) {
    const auto bucket = SampleSecond::BucketOf(micros);
    EXPECT_LE(SampleSecond::Lowest(bucket), static_cast<double>(micros)) << micros;
    EXPECT_GT(SampleSecond::Lowest(bucket + 1), static_cast<double>(micros)) << micros;
    EXPECT_LE(SampleSecond::Lowest(bucket + 1), 1.016 * SampleSecond::Lowest(bucket) + 1) << micros;
  }
}

TEST(FiguresTest, AreThoseOfAllSecondsTogether) {
  std::vector<SampleSecond> seconds(2);
  for (int i = 1; i <= 1000; ++i) seconds[static_cast<std::size_t>(i % 2)].Add(i * 100);
  for (auto& second : seconds) {
    second.completed = 500;
    second.ended = 625;
    second.errors = 125;
  }
  const auto figures = FiguresOf(seconds);
  EXPECT_DOUBLE_EQ(figures[static_cast<std::size_t>(Figure::kRate)], 500);
  EXPECT_DOUBLE_EQ(figures[static_cast<std::size_t>(Figure::kErrors)], 0.2);
  EXPECT_NEAR(figures[static_cast<std::size_t>(Figure::kP50)], 50'000, 500);
  EXPECT_NEAR(figures[static_cast<std::size_t>(Figure::kP99)], 99'000, 1000);
}

TEST(ScatterTest, SecondsThatAreAlikeDoNotScatter) {
  RunSample run;
  run.seconds.resize(20, {.completed = 10, .ended = 10});
  for (auto& second : run.seconds) second.Add(1000, 10);
  for (const double error : ScatterOf(run).error) EXPECT_LT(error, 1e-6);
}

TEST(ScatterTest, OneStallScattersAsWidelyAsItIsLong) {
  RunSample run;
  run.seconds.resize(20, {.completed = 100, .ended = 100});
  for (auto& second : run.seconds) second.Add(1000, 100);
  run.seconds[7].latencies.clear();
  run.seconds[7].Add(1'000'000, 100);
  EXPECT_GT(ScatterOf(run).error[static_cast<std::size_t>(Figure::kP99)], 1);
  EXPECT_LT(ScatterOf(run).error[static_cast<std::size_t>(Figure::kP50)], 0.01);
}

TEST(SampleTest, WhatEndsLaterIsInTheLastSecondOfSendingAndWhatNeverEndsWhereLeastDid) {
  RunResult run{.scheduled = 4, .duration = 4 * sys::kSecond, .sending = 2 * sys::kSecond, .counted = 2};
  for (const int second : {0, 1, 3}) {
    LatencyHistogram latency;
    latency.Record(1000 * (second + 1));
    Interval interval{.sent = 1, .response = PackedHistogram(latency)};
    interval.outcomes[0] = 1;
    run.series.Add(second * sys::kSecond, interval);
  }
  run.tally.sent = 3;
  const auto sample = SampleOf(run);
  ASSERT_EQ(sample.seconds.size(), 2u);
  EXPECT_EQ(sample.seconds[0].ended, 2) << "with the one that was never sent";
  EXPECT_EQ(sample.seconds[0].errors, 1);
  EXPECT_EQ(sample.seconds[1].ended, 2);
}

TEST(SampleTest, AHungServersSecondsAreFullOfErrors) {
  RunResult run{.scheduled = 3000, .duration = 30 * sys::kSecond, .sending = 30 * sys::kSecond};
  for (int second = 0; second < 10; ++second) {
    Interval interval{.sent = 100};
    interval.outcomes[0] = 100;
    run.series.Add(second * sys::kSecond, interval);
  }
  run.tally.sent = 1005;
  run.tally.in_flight_at_end = 5;
  const auto sample = SampleOf(run);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_NEAR(sample.seconds[i].ended, 100, 0.01) << i;
    EXPECT_NEAR(sample.seconds[i].errors, i < 10 ? 0 : 100, 0.01) << i;
  }
}

TEST(StudentTest, AgreesWithTheTables) {
  EXPECT_NEAR(StudentT(0.05, 3), 3.182, 0.03);
  EXPECT_NEAR(StudentT(0.05, 10), 2.228, 0.005);
  EXPECT_NEAR(StudentT(0.01, 20), 2.845, 0.005);
  EXPECT_NEAR(StudentT(0.05, 1e6), 1.960, 0.001);
}

TEST(EnoughTest, TenBeyondThePercentile) {
  EXPECT_TRUE(EnoughFor(99, 1000));
  EXPECT_FALSE(EnoughFor(99, 999));
  EXPECT_TRUE(EnoughFor(99.9, 10'000));
  EXPECT_FALSE(EnoughFor(99.9, 9'999));
}

}  // namespace
}  // namespace hydrapool::loadgen
