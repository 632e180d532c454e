#include "harness/observe/look_plan.h"

#include <gtest/gtest.h>

namespace hydrapool::harness {
namespace {

constexpr LookPlan::Pace kPace{.close = 2, .seldom = 50};
constexpr sys::Nanos kNow = 1'000'000'000'000;

TEST(LookPlanTest, LooksSeldomUntilItIsStirred) {
  LookPlan plan(kPace);
  EXPECT_EQ(plan.Pause(kNow), 50);
  plan.Stir(kNow);
  EXPECT_EQ(plan.Pause(kNow), 2);
}

TEST(LookPlanTest, LooksCloselyUntilAllHasCome) {
  LookPlan plan(kPace);
  plan.Stir(kNow);
  plan.Note(false);
  EXPECT_TRUE(plan.IsClose(kNow + LookPlan::kAtLeast));
  plan.Note(true);
  EXPECT_FALSE(plan.IsClose(kNow + LookPlan::kAtLeast));
}

TEST(LookPlanTest, WhatAStirBringsAboutMayBeginABitLater) {
  LookPlan plan(kPace);
  plan.Stir(kNow);
  plan.Note(true);
  EXPECT_TRUE(plan.IsClose(kNow + LookPlan::kAtLeast - 1));
}

TEST(LookPlanTest, WhatNeverComesIsNotWaitedForForEver) {
  LookPlan plan(kPace);
  plan.Stir(kNow);
  plan.Note(false);
  EXPECT_FALSE(plan.IsClose(kNow + LookPlan::kAtMost));
  plan.Stir(kNow + LookPlan::kAtMost);
  EXPECT_TRUE(plan.IsClose(kNow + LookPlan::kAtMost));
}

TEST(LookPlanTest, WhereAllHasBeenSeenItLooksSeldomUntilTheNextStir) {
  LookPlan plan(kPace);
  plan.Stir(kNow);
  plan.Note(false);
  plan.Settle();
  EXPECT_FALSE(plan.IsClose(kNow));
  plan.Stir(kNow);
  EXPECT_TRUE(plan.IsClose(kNow));
}

TEST(AftermathTest, IsOverWhenEachIsReapedAndReplaced) {
  Aftermath aftermath;
  EXPECT_FALSE(aftermath.Looked(3, false)) << "nobody has ended";
  aftermath.Ended(2);
  EXPECT_FALSE(aftermath.Looked(0, true));
  EXPECT_FALSE(aftermath.Looked(1, false));
  EXPECT_FALSE(aftermath.Looked(1, true)) << "one is not reaped";
  EXPECT_TRUE(aftermath.Looked(0, false));
  EXPECT_FALSE(aftermath.Looked(0, false)) << "it is told once";
}

}  // namespace
}  // namespace hydrapool::harness
