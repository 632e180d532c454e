#include "pool/sys/oom_kills.h"

#include <gtest/gtest.h>

#include <fstream>

#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::sys {
namespace {

TEST(OomKillsTest, AreReadOffEachKindOfFile) {
  EXPECT_EQ(ParseOomKills("low 0\nhigh 0\nmax 5\noom 2\noom_kill 17\noom_group_kill 0\n"), 17u);
  EXPECT_EQ(ParseOomKills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 3u);
  EXPECT_EQ(ParseOomKills("oom_kill 9\n"), 9u);
  EXPECT_EQ(ParseOomKills(""), 0u);
  EXPECT_EQ(ParseOomKills("under_oom_kill 4\n"), 0u);
}

TEST(OomKillsTest, StandWhereTheCgroupIs) {
  constexpr auto kHybrid = "5:devices:/\n4:memory:/a/b\n0::/\n";
  EXPECT_EQ(CgroupOomFile(kHybrid, 1), "/sys/fs/cgroup/memory/a/b/memory.oom_control");
  EXPECT_EQ(CgroupOomFile(kHybrid, 2), "/sys/fs/cgroup/memory.events");
  EXPECT_EQ(CgroupOomFile("0::/system.slice/hydrapool.service\n", 2),
            "/sys/fs/cgroup/system.slice/hydrapool.service/memory.events");
  EXPECT_EQ(CgroupOomFile("0::/x\n", 1), "");
  EXPECT_EQ(CgroupOomFile("", 2), "");
}

TEST(OomKillsTest, ThisSystemsFileHasACount) {
  const std::string file = OomKillFile();
  if (file.empty()) GTEST_SKIP() << "this system counts no such kills";
  EXPECT_NE(ReadFile(file).find("oom_kill "), std::string::npos);
}

class OomKillCountTest : public ::testing::Test {
 protected:
  void Count(int kills) const { CountIn(file_, kills); }
  static void CountIn(const std::string& file, int kills) {
    std::ofstream(file) << "oom 9\noom_kill " << kills << "\n";
  }

  const ScratchDir directory_{"oom"};
  const std::string file_ = directory_ / "memory.events";
  OomKills::Memory memory_;
};

TEST_F(OomKillCountTest, EachExplainsOneDeath) {
  Count(5);
  OomKills kills(file_, memory_);
  EXPECT_FALSE(kills.ExplainsOne());
  Count(7);
  EXPECT_TRUE(kills.ExplainsOne());
  EXPECT_TRUE(kills.ExplainsOne());
  EXPECT_FALSE(kills.ExplainsOne());
}

TEST_F(OomKillCountTest, OneOfSomebodyElseExplainsNothingForLong) {
  Count(0);
  OomKills kills(file_, memory_);
  Count(1);
  kills.Age();
  kills.Age();
  EXPECT_FALSE(kills.ExplainsOne());
  Count(2);
  kills.Age();
  EXPECT_TRUE(kills.ExplainsOne());
  kills.Age();
  EXPECT_FALSE(kills.ExplainsOne());
}

TEST_F(OomKillCountTest, WhatWasRememberedIsNotExplainedAgain) {
  Count(2);
  OomKills before(file_, memory_);
  Count(3);
  EXPECT_TRUE(before.ExplainsOne());
  OomKills after(file_, memory_);
  EXPECT_FALSE(after.ExplainsOne());
  Count(4);
  EXPECT_TRUE(after.ExplainsOne());
}

// The process has moved to another cgroup.
TEST_F(OomKillCountTest, WhatWasRememberedOfAnotherFileCountsForNothing) {
  Count(9);
  OomKills before(file_, memory_);
  const std::string other = directory_ / "other.events";
  CountIn(other, 0);
  OomKills after(other, memory_);
  EXPECT_FALSE(after.ExplainsOne());
  CountIn(other, 1);
  EXPECT_TRUE(after.ExplainsOne());
  EXPECT_FALSE(after.ExplainsOne());
  CountIn(other, 2);
  after.Age();
  after.Age();
  EXPECT_FALSE(after.ExplainsOne());
}

TEST(OomKillsTest, NothingIsExplainedWhereNothingIsCounted) {
  OomKills::Memory memory;
  OomKills kills("", memory);
  EXPECT_FALSE(kills.ExplainsOne());
  kills.Age();
  EXPECT_FALSE(kills.ExplainsOne());
}

}  // namespace
}  // namespace hydrapool::sys
