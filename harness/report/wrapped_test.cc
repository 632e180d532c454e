#include "harness/report/wrapped.h"

#include <gtest/gtest.h>

namespace hydrapool::harness {
namespace {

TEST(WrappedTest, WhatIsTooLongGoesOnBelowItsBeginning) {
  EXPECT_EQ(Wrapped("  load       a bb ccc dddd\n", 20),
            "  load       a bb\n             ccc\n             dddd\n");
  EXPECT_EQ(Wrapped("    lost: 3, at most 0 expected\n", 20), "    lost: 3, at most\n    0 expected\n");
  EXPECT_EQ(Wrapped("storm: it holds\n\n  PASS\n", 10), "storm: it\nholds\n\n  PASS\n");
}

TEST(WrappedTest, WhatFitsAndWhatHasNoBlankStaysAsItIs) {
  EXPECT_EQ(Wrapped("1234567890\n", 10), "1234567890\n");
  EXPECT_EQ(Wrapped("  a  http://127.0.0.1:8080/long here", 12),
            "  a  http://127.0.0.1:8080/long\n     here");
  EXPECT_EQ(Wrapped("", 10), "");
  EXPECT_EQ(Wrapped("a b", 1), "a\nb");
}

}  // namespace
}  // namespace hydrapool::harness
