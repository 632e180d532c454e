#include "loadgen/engine/byte_pace.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

TEST(BytePaceTest, WithoutARateEverythingPasses) {
  BytePace pace(0);
  EXPECT_EQ(pace.Pass(1'000'000, kSecond), 0);
  EXPECT_EQ(pace.due(), 0);
}

TEST(BytePaceTest, ABodyTakesItsSizeByTheRateFromItsFirstByte) {
  BytePace pace(1000);
  EXPECT_EQ(pace.Pass(100, 5 * kSecond), 5 * kSecond + 100 * kMillisecond);
  EXPECT_EQ(pace.due(), 5 * kSecond + 100 * kMillisecond);
  EXPECT_EQ(pace.Pass(100, 5 * kSecond + 100 * kMillisecond), 0);
  EXPECT_EQ(pace.due(), 0);
  EXPECT_EQ(pace.Pass(900, 5 * kSecond + 100 * kMillisecond), 6 * kSecond);
  EXPECT_EQ(pace.Pass(900, 9 * kSecond), 0) << "late is not too early";
  pace.Begin();
  EXPECT_EQ(pace.Pass(100, 9 * kSecond), 9 * kSecond + 100 * kMillisecond) << "another body";
}

}  // namespace
}  // namespace hydrapool::loadgen
