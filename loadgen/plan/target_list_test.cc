#include "loadgen/plan/target_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Complaint(const std::vector<std::string>& urls, const std::vector<std::string>& targets) {
  Plan plan;
  const auto filled = FillTargets(urls, targets, plan);
  return filled ? "no complaint" : filled.error().message;
}

TEST(TargetListTest, Weights) {
  Plan plan;
  ASSERT_TRUE(FillTargets({"a/"}, {"http://b/  weight=3", "c"}, plan));
  EXPECT_THAT(plan.urls, ElementsAre("http://a/", "http://b/", "http://c"));
  EXPECT_THAT(plan.weights, ElementsAre(1, 3, 1));
  EXPECT_THAT(plan.rates, IsEmpty());
  EXPECT_FALSE(plan.rate);
}

TEST(TargetListTest, RatesAddUp) {
  Plan plan;
  ASSERT_TRUE(FillTargets({}, {"a rate=100/s", "b rate=60/m"}, plan));
  EXPECT_THAT(plan.rates, ElementsAre(100, 1));
  EXPECT_EQ(plan.rate, 101);
}

TEST(TargetListTest, WhatIsWrongIsSaid) {
  EXPECT_THAT(Complaint({}, {}), HasSubstr("URL"));
  EXPECT_THAT(Complaint({"a"}, {"b rate=1"}), HasSubstr("all URLs have a rate"));
  EXPECT_THAT(Complaint({}, {"b rate=x"}), HasSubstr("'x' is not a rate"));
  EXPECT_THAT(Complaint({}, {"b weight=0"}), HasSubstr("'0' is not a weight"));
  EXPECT_THAT(Complaint({}, {"b often"}), HasSubstr("only rate=RATE or weight=N"));
  EXPECT_THAT(Complaint({}, {"ftp://b"}), HasSubstr("only http and https"));
}

}  // namespace
}  // namespace hydrapool::loadgen
