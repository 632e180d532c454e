#include "pool/parent/waiting_leases.h"

#include <gtest/gtest.h>

namespace hydrapool {
namespace {

TEST(WaitingLeasesTest, TheOldestIsServedFirst) {
  WaitingLeases waiting;
  EXPECT_TRUE(waiting.empty());
  waiting.Push({.slot = 7, .step_sent = 3}, 10);
  waiting.Push({.slot = 8}, 20);
  EXPECT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting.front().slot, 7u);
  EXPECT_EQ(waiting.front().step_sent, 3u);
  waiting.Pop();
  EXPECT_EQ(waiting.front().slot, 8u);
}

TEST(WaitingLeasesTest, OnlyWhatHasWaitedTooLongExpires) {
  WaitingLeases waiting;
  waiting.Push({.slot = 7}, 10);
  waiting.Push({.slot = 8}, 20);
  EXPECT_EQ(waiting.TakeExpired(10), std::nullopt) << "not longer than allowed";
  EXPECT_EQ(waiting.TakeExpired(20), 7u);
  EXPECT_EQ(waiting.TakeExpired(20), std::nullopt);
  EXPECT_EQ(waiting.TakeExpired(21), 8u);
  EXPECT_EQ(waiting.TakeExpired(INT64_MAX), std::nullopt);
  EXPECT_TRUE(waiting.empty());
}

}  // namespace
}  // namespace hydrapool
