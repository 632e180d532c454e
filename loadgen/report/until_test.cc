#include "loadgen/report/until.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(ParseUntilTest, APercentileAndHowPrecisely) {
  const auto until = ParseUntil("p99±5%");
  ASSERT_TRUE(until) << until.error().message;
  EXPECT_EQ(until->figure, Figure::kP99);
  EXPECT_EQ(until->share, 0.05);
  EXPECT_EQ(ParseUntil("p99.9+-12.5%")->figure, Figure::kP999);
  EXPECT_EQ(ParseUntil("p50±1%")->share, 0.01);
  for (const auto* text : {"", "p99", "p99±", "p99±5", "p99±0%", "p99±-5%", "p99±101%", "p98±5%", "errors±5%",
                           "p99<5%", "p99±5%x", "p99.9.9±5%"})
    EXPECT_FALSE(ParseUntil(text)) << text;
}

/// `seconds` seconds of 1000 ok answers each, which in every third second take `slow` times as long.
IntervalSeries Course(int seconds, int slow) {
  IntervalSeries series;
  for (int s = 0; s < seconds; ++s) {
    LatencyHistogram response;
    for (int i = 0; i < 1000; ++i) response.Record((1000 + i) * (s % 3 == 0 ? slow : 1));
    Interval interval{.sent = 1000};
    interval.outcomes[static_cast<std::size_t>(Outcome::kOk)] = 1000;
    interval.response = PackedHistogram(response);
    series.Add(s * sys::kSecond, interval);
  }
  return series;
}

TEST(PrecisionTest, GrowsWithTheRun) {
  const auto until = *ParseUntil("p50±5%");
  EXPECT_FALSE(PrecisionSoFar(until, Course(3, 1), 3 * sys::kSecond)) << "too short to say";
  const auto early = PrecisionSoFar(until, Course(6, 2), 6 * sys::kSecond);
  const auto late = PrecisionSoFar(until, Course(120, 2), 120 * sys::kSecond);
  ASSERT_TRUE(early && late);
  EXPECT_GT(*early, until.share);
  EXPECT_LT(*late, *early);
}

TEST(PrecisionTest, ASteadyRunIsSoonKnown) {
  const auto until = *ParseUntil("p90±2%");
  const auto precision = PrecisionSoFar(until, Course(5, 1), 5 * sys::kSecond + 1);
  ASSERT_TRUE(precision);
  EXPECT_LE(*precision, until.share);
}

TEST(PrecisionTest, OfTooFewAnswersNothingIsKnown) {
  EXPECT_FALSE(PrecisionSoFar(*ParseUntil("p99.9±50%"), Course(5, 1), 5 * sys::kSecond));
}

}  // namespace
}  // namespace hydrapool::loadgen
