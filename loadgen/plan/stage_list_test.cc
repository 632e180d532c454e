#include "loadgen/plan/stage_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using sys::kSecond;
using ::testing::HasSubstr;

TEST(StageListTest, EachIsARateAndATime) {
  const auto stages = ParseStages("500:10s,500:0.5m,0:5s,60/m:0");
  ASSERT_TRUE(stages);
  ASSERT_EQ(stages->size(), 4u);
  EXPECT_EQ((*stages)[0].rate, 500);
  EXPECT_EQ((*stages)[1].duration, 30 * kSecond);
  EXPECT_EQ((*stages)[2].rate, 0);
  EXPECT_EQ((*stages)[3].rate, 1);
  EXPECT_EQ((*stages)[3].duration, 0);
  EXPECT_EQ(DurationOf(*stages), 45 * kSecond);
  EXPECT_DOUBLE_EQ(MeanRateOf(*stages), (2500.0 + 15'000 + 1250) / 45);
}

TEST(StageListTest, WhatIsWrongIsSaid) {
  const auto complaint = [](const char* text) {
    const auto stages = ParseStages(text);
    return stages ? "no complaint" : stages.error().message;
  };
  EXPECT_THAT(complaint("500"), HasSubstr("'500' is not a stage (RATE:TIME)"));
  EXPECT_THAT(complaint("500:10s,"), HasSubstr("'' is not a stage"));
  EXPECT_THAT(complaint("fast:10s"), HasSubstr("'fast' is not a rate"));
  EXPECT_THAT(complaint("5:long"), HasSubstr("'long' is not a duration"));
  EXPECT_THAT(complaint("0:10s,0:5s"), HasSubstr("nothing is ever due"));
  EXPECT_THAT(complaint("5:0s"), HasSubstr("nothing is ever due"));
}

}  // namespace
}  // namespace hydrapool::loadgen
