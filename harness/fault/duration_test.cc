#include "harness/fault/duration.h"

#include <gtest/gtest.h>

namespace hydrapool::harness {
namespace {

TEST(DurationTest, SpellsForPeople) {
  EXPECT_EQ(DurationText(250 * sys::kMillisecond), "250 ms");
  EXPECT_EQ(DurationText(1500 * sys::kMillisecond), "1.5 s");
  EXPECT_EQ(DurationText(20 * sys::kMicrosecond), "20 us");
}

}  // namespace
}  // namespace hydrapool::harness
