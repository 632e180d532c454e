#include "harness/fault/process_tree.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace hydrapool::harness {
namespace {

constexpr const char* kTail =
    " 1 1 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 987654 1000 50 18446744073709551615";

TEST(ParseStatTest, ReadsPidParentStateAndStartTime) {
  const auto info = ParseStat(std::string("77 (hydrapool) S 70") + kTail);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->identity, (Identity{.pid = 77, .start_time = 987654}));
  EXPECT_EQ(info->parent, 70);
  EXPECT_EQ(info->comm, "hydrapool");
  EXPECT_TRUE(info->alive());
}

TEST(ParseStatTest, ANameMayLookLikeTheRestOfTheLine) {
  const auto info = ParseStat(std::string("77 (a) R 1 (b) Z 70") + kTail);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->comm, "a) R 1 (b");
  EXPECT_EQ(info->parent, 70);
  EXPECT_FALSE(info->alive());
}

TEST(ParseStatTest, RefusesWhatIsCutOff) {
  EXPECT_FALSE(ParseStat(""));
  EXPECT_FALSE(ParseStat("77 hydrapool S 70"));
  EXPECT_FALSE(ParseStat("77 (hydrapool) S 70 1 1"));
  EXPECT_FALSE(ParseStat("x (hydrapool) S 70 1 1 0 -1"));
}

TEST(IsOfTest, AChildIsAndAGrandchildAndNobodyElse) {
  const ProcessInfo self = ReadProcess(::getpid()).value();
  const std::vector<pid_t> line = WithAncestors(self.identity.pid);
  ASSERT_GE(line.size(), 2u);
  EXPECT_FALSE(IsOf(self, line[0]));
  EXPECT_TRUE(IsOf(self, line[1]));
  if (line.size() > 2) {
    EXPECT_TRUE(IsOf(self, line[2]));
  }
  if (line.size() > 3) {
    EXPECT_FALSE(IsOf(self, line[3]));
  }
}

}  // namespace
}  // namespace hydrapool::harness
