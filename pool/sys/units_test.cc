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

TEST(ParseCountTest, IsAWholeNumberThatIsLargeEnough) {
  EXPECT_EQ(ParseCount("0"), 0u);
  EXPECT_EQ(ParseCount("18446744073709551615"), 18'446'744'073'709'551'615u);
  EXPECT_EQ(ParseCount("7", 7), 7u);
  for (const char* wrong : {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "18446744073709551616"})
    EXPECT_FALSE(ParseCount(wrong)) << wrong;
  ASSERT_FALSE(ParseCount("6", 7));
  EXPECT_EQ(ParseCount("6", 7).error().message, "'6' is not a whole number from 7");
}

}  // namespace
}  // namespace hydrapool::sys
