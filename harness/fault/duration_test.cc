#include "harness/fault/duration.h"

#include <gtest/gtest.h>

namespace hydrapool::harness {
namespace {

TEST(DurationTest, ReadsEachUnit) {
  EXPECT_EQ(ParseDuration("250ms"), 250 * sys::kMillisecond);
  EXPECT_EQ(ParseDuration("1.5s"), 1500 * sys::kMillisecond);
  EXPECT_EQ(ParseDuration("20us"), 20 * sys::kMicrosecond);
  EXPECT_EQ(ParseDuration("2m"), 120 * sys::kSecond);
  EXPECT_EQ(ParseDuration("1h"), 3600 * sys::kSecond);
}

TEST(DurationTest, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "ms", "250", "-1s", "0s", "1 s", "1sec", "1e99s", "inf", "nans", "99999999h"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(DurationTest, SpellsForPeople) {
  EXPECT_EQ(DurationText(250 * sys::kMillisecond), "250 ms");
  EXPECT_EQ(DurationText(1500 * sys::kMillisecond), "1.5 s");
  EXPECT_EQ(DurationText(20 * sys::kMicrosecond), "20 us");
}

}  // namespace
}  // namespace hydrapool::harness
