#include "loadgen/plan/rotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace hydrapool::loadgen {
namespace {

using ::testing::ElementsAre;

TEST(RotationTest, EachAsOftenAsItsWeightAndEvenlySpread) {
  EXPECT_THAT(Rotation(std::array{3U, 1U}), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(Rotation(std::array{1U, 1U, 1U}), ElementsAre(0, 1, 2));
  EXPECT_THAT(Rotation(std::array{500U, 250U}), ElementsAre(0, 1, 0));
}

}  // namespace
}  // namespace hydrapool::loadgen
