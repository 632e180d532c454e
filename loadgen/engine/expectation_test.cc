#include "loadgen/engine/expectation.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(JudgeTest, WithoutExpectationsAStatusBelow400IsOk) {
  EXPECT_EQ(Judge({}, 200, 0), Outcome::kOk);
  EXPECT_EQ(Judge({}, 399, 9), Outcome::kOk);
  EXPECT_EQ(Judge({}, 400, 9), Outcome::kBadStatus);
}

TEST(JudgeTest, ExpectationsReplaceThat) {
  const Plan plan{.expect = {.status = {204, 503}, .length = 7}};
  EXPECT_EQ(Judge(plan, 200, 7), Outcome::kBadStatus);
  EXPECT_EQ(Judge(plan, 503, 7), Outcome::kOk);
  EXPECT_EQ(Judge(plan, 204, 6), Outcome::kWrongBody);
}

}  // namespace
}  // namespace hydrapool::loadgen
