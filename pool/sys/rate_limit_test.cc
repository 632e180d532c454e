#include "pool/sys/rate_limit.h"

#include <gtest/gtest.h>

namespace hydrapool::sys {
namespace {

TEST(RateLimitTest, LetsABurstThroughAndThenOneEachTime) {
  RateLimit limit(2, kSecond);
  Nanos now = 100 * kSecond;
  EXPECT_TRUE(limit.Take(now));
  EXPECT_TRUE(limit.Take(now));
  EXPECT_FALSE(limit.Take(now));
  EXPECT_FALSE(limit.Take(now + kSecond - 1));
  EXPECT_TRUE(limit.Take(now += kSecond));
  EXPECT_FALSE(limit.Take(now));
}

TEST(RateLimitTest, ALongRestBringsNoMoreThanABurst) {
  RateLimit limit(3, kSecond);
  int through = 0;
  for (int i = 0; i < 10; ++i) through += limit.Take(kSecond) ? 1 : 0;
  for (int i = 0; i < 10; ++i) through += limit.Take(1000 * kSecond) ? 1 : 0;
  EXPECT_EQ(through, 6);
}

TEST(RateLimitTest, WhatWasRefusedIsToldOnce) {
  RateLimit limit(1, kSecond);
  EXPECT_EQ(limit.TakeMissed(), 0u);
  for (int i = 0; i < 4; ++i) limit.Take(kSecond);
  EXPECT_EQ(limit.TakeMissed(), 3u);
  EXPECT_EQ(limit.TakeMissed(), 0u);
}

}  // namespace
}  // namespace hydrapool::sys
