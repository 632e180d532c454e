#include "pool/sys/units.h"

#include <gtest/gtest.h>

namespace hydrapool::sys {
namespace {

TEST(ParseDurationTest, TakesTheUsualUnits) {
  EXPECT_EQ(ParseDuration("10s"), 10 * kSecond);
  EXPECT_EQ(ParseDuration("10"), 10 * kSecond);
  EXPECT_EQ(ParseDuration("500ms"), 500 * kMillisecond);
  EXPECT_EQ(ParseDuration("250us"), 250 * kMicrosecond);
  EXPECT_EQ(ParseDuration("1.5m"), 90 * kSecond);
  EXPECT_EQ(ParseDuration("2h"), 7200 * kSecond);
}

TEST(ParseDurationTest, TakesSeveralFromTheLargerToTheSmaller) {
  EXPECT_EQ(ParseDuration("1m30s"), 90 * kSecond);
  EXPECT_EQ(ParseDuration("1h0m2s"), 3602 * kSecond);
  EXPECT_EQ(ParseDuration("1s500ms"), 1500 * kMillisecond);
}

TEST(ParseDurationTest, RefusesTheRest) {
  for (const auto* text :
       {"",     "s",  "0s",   "0",     "-1s",  "10x",  "10 s",   "nan",           "inf", "1e300s", "1e-300s",
        "1e3s", "ms", "1sec", "30s1m", "1m1m", "1m30", "1m30s ", "999999999999h", ".",   "1..5s",  "+1s"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(ParseRateTest, IsASecondOrAMinute) {
  EXPECT_EQ(ParseRate("500"), 500);
  EXPECT_EQ(ParseRate("0.5/s"), 0.5);
  EXPECT_EQ(ParseRate("30/m"), 0.5);
  for (const auto* text : {"", "0", "-5", "5/h", "fast", "1e12", "1e3", "inf", "5/"})
    EXPECT_FALSE(ParseRate(text)) << text;
}

}  // namespace
}  // namespace hydrapool::sys
