#include "loadgen/plan/target_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

std::string Complaint(const std::vector<std::string>& urls, const std::vector<std::string>& targets) {
  Plan plan;
  const auto filled = FillTargets(urls, targets, {}, plan);
  return filled ? "no complaint" : filled.error().message;
}

TEST(TargetListTest, Weights) {
  Plan plan;
  ASSERT_TRUE(FillTargets({"a/"}, {"http://b/  weight=3", "c"}, {.method = "PUT"}, plan));
  EXPECT_THAT(UrlsOf(plan), ElementsAre("http://a/", "http://b/", "http://c"));
  EXPECT_THAT(plan.targets,
              ElementsAre(Field(&Target::weight, 1), Field(&Target::weight, 3), Field(&Target::weight, 1)));
  EXPECT_THAT(plan.targets, Each(Field(&Target::method, "PUT")));
  EXPECT_FALSE(HasRates(plan));
  EXPECT_FALSE(plan.arrivals.rate);
}

TEST(TargetListTest, RatesAddUp) {
  Plan plan;
  ASSERT_TRUE(FillTargets({}, {"a rate=100/s", "b rate=60/m"}, {}, plan));
  EXPECT_THAT(plan.targets, ElementsAre(Field(&Target::rate, 100), Field(&Target::rate, 1)));
  EXPECT_EQ(plan.arrivals.rate, 101);
}

TEST(TargetListTest, ACommonOriginIsTaken) {
  std::vector<std::string> names = {"http://h:80/a", "http://h:80/b?c=http://x/"};
  EXPECT_EQ(TakeCommonOrigin(names), "http://h:80");
  EXPECT_THAT(names, ElementsAre("/a", "/b?c=http://x/"));
  for (std::vector<std::string> others : {std::vector<std::string>{"http://h/a", "http://h2/a"},
                                          {"http://h/a", "http://h:80/a"},
                                          {"login", "http://h/a"},
                                          {"http://h"},
                                          {}}) {
    const auto before = others;
    EXPECT_EQ(TakeCommonOrigin(others), "");
    EXPECT_EQ(others, before);
  }
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
