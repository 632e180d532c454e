#include "loadgen/plan/figures.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(FormatTest, ThreeDigits) {
  EXPECT_EQ(FormatMicros(0), "0 µs");
  EXPECT_EQ(FormatMicros(87.4), "87 µs");
  EXPECT_EQ(FormatMicros(1234), "1.23 ms");
  EXPECT_EQ(FormatMicros(12345), "12.3 ms");
  EXPECT_EQ(FormatMicros(999'400), "999 ms");
  EXPECT_EQ(FormatMicros(12'345'678), "12.3 s");
  EXPECT_EQ(FormatBytes(912), "912 B");
  EXPECT_EQ(FormatBytes(1'460'000), "1.46 MB");
}

}  // namespace
}  // namespace hydrapool::loadgen
