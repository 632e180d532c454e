#include "loadgen/plan/units.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using sys::kMicrosecond;
using sys::kMillisecond;
using sys::kSecond;

TEST(ParseDurationTest, TakesTheUsualUnits) {
  EXPECT_EQ(ParseDuration("10s"), 10 * kSecond);
  EXPECT_EQ(ParseDuration("10"), 10 * kSecond);
  EXPECT_EQ(ParseDuration("500ms"), 500 * kMillisecond);
  EXPECT_EQ(ParseDuration("250us"), 250 * kMicrosecond);
  EXPECT_EQ(ParseDuration("1.5m"), 90 * kSecond);
  EXPECT_EQ(ParseDuration("2h"), 7200 * kSecond);
}

TEST(ParseDurationTest, RefusesTheRest) {
  for (const auto* text : {"", "s", "0s", "-1s", "10x", "10 s", "nan", "inf", "1e300s", "1e-300s"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(ParseRateTest, IsASecondOrAMinute) {
  EXPECT_EQ(ParseRate("500"), 500);
  EXPECT_EQ(ParseRate("0.5/s"), 0.5);
  EXPECT_EQ(ParseRate("30/m"), 0.5);
  for (const auto* text : {"", "0", "-5", "5/h", "fast", "1e12"}) EXPECT_FALSE(ParseRate(text)) << text;
}

TEST(FormatTest, ThreeDigits) {
  EXPECT_EQ(FormatMicros(0), "0 µs");
  EXPECT_EQ(FormatMicros(87.4), "87 µs");
  EXPECT_EQ(FormatMicros(1234), "1.23 ms");
  EXPECT_EQ(FormatMicros(12345), "12.3 ms");
  EXPECT_EQ(FormatMicros(999'400), "999 ms");
  EXPECT_EQ(FormatMicros(12'345'678), "12.3 s");
  EXPECT_EQ(FormatBytes(912), "912 B");
  EXPECT_EQ(FormatBytes(1'460'000), "1.46 MB");
}

}  // namespace
}  // namespace hydrapool::loadgen
