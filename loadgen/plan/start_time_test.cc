#include "loadgen/plan/start_time.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

TEST(StartTimeTest, Iso8601AndSecondsSinceTheEpoch) {
  constexpr sys::Nanos kTime = 1'795'359'845 * kSecond;
  EXPECT_EQ(ParseStartTime("2026-11-22T15:04:05Z").value_or(0), kTime);
  EXPECT_EQ(ParseStartTime("2026-11-22T15:04:05.250Z").value_or(0), kTime + 250 * kMillisecond);
  EXPECT_EQ(ParseStartTime("2026-11-22T16:34:05+01:30").value_or(0), kTime);
  EXPECT_EQ(ParseStartTime("2026-11-22T10:04:05-0500").value_or(0), kTime);
  EXPECT_EQ(ParseStartTime("1795359845").value_or(0), kTime);
  EXPECT_EQ(ParseStartTime("1795359845.5").value_or(0), kTime + 500 * kMillisecond);
}

TEST(StartTimeTest, WhatIsNoTimeOrHasNoZoneIsRefused) {
  for (const auto* text : {"", "soon", "2026-11-22", "2026-11-22T15:04:05", "2026-11-22T15:04:05.Z",
                           "2026-11-22T15:04:05+1", "2026-11-22T15:04:05Zulu", "-5", "1e99", "nan"}) {
    EXPECT_FALSE(ParseStartTime(text)) << text;
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
