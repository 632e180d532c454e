#include "pool/parent/process_keeper.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "pool/shared/process_cgroups.h"
#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool {
namespace {

/// Files stand for the cgroups of the first place.
class KeptCgroupsTest : public ::testing::Test {
 protected:
  KeptCgroupsTest() { ProcessCgroups::SetOfPool(ProcessCgroups(scratch_.path(), {.memory = true})); }
  [[nodiscard]] std::filesystem::path PathOf(int tenancy) const {
    return scratch_.path() / ("program-0." + std::to_string(tenancy));
  }
  void Make(int tenancy, const std::string& events) const {
    std::filesystem::create_directory(PathOf(tenancy));
    std::ofstream(PathOf(tenancy) / "memory.events") << events;
    std::ofstream(PathOf(tenancy) / "cgroup.kill") << "";
  }
  [[nodiscard]] std::string Killed(int tenancy) const {
    return sys::ReadFile(PathOf(tenancy) / "cgroup.kill");
  }
  ProcessPlaces::Freed Reap(pid_t pid) {
    ProcessPlaces::Place* const place = table_.places().Claim(1, 1);
    EXPECT_TRUE(place != nullptr && ProcessPlaces::Occupy(*place, 1, pid));
    return keeper_.OnReaped(pid);
  }

  const sys::ScratchDir scratch_{"process_keeper_test"};
  sys::EventLoop loop_;
  LeaseTable table_{4};
  const std::unique_ptr<PoolCounts> counts_ = std::make_unique<PoolCounts>();
  ProcessKeeper keeper_{loop_, table_, *counts_};
};

TEST_F(KeptCgroupsTest, WhatIsReapedEndsItsCgroupAndIsOutOfMemoryWhereTheKernelHasKilledThere) {
  using What = ProcessPlaces::Freed::What;
  Make(0, "oom 0\noom_kill 0\n");
  Make(1, "oom 1\noom_kill 2\n");
  EXPECT_FALSE(Reap(4242).out_of_memory);
  EXPECT_EQ(Killed(0) + Killed(1), "1");
  const auto killed = Reap(4243);
  EXPECT_EQ(killed.what, What::kPlace);
  EXPECT_TRUE(killed.out_of_memory);
  EXPECT_EQ(Killed(1), "1");
  EXPECT_FALSE(Reap(4244).out_of_memory) << "that was another's";
  EXPECT_EQ(keeper_.OnReaped(4245).what, What::kNothing);
}

// Files keep a directory from being removed, as what was killed and is not gone does.
TEST_F(KeptCgroupsTest, WhatIsNotGoneWhenItsPlaceIsFreeIsEndedLater) {
  for (const int tenancy : {0, 1, 2}) Make(tenancy, "");
  Reap(4242);
  Reap(4243);
  for (const char* file : {"memory.events", "cgroup.kill"}) std::filesystem::remove(PathOf(0) / file);
  ASSERT_TRUE(loop_.RunOnce(sys::Now() + 30 * sys::kSecond));
  EXPECT_FALSE(std::filesystem::exists(PathOf(0)));
  EXPECT_TRUE(std::filesystem::exists(PathOf(1)));
  for (const char* file : {"memory.events", "cgroup.kill"}) std::filesystem::remove(PathOf(1) / file);
  ASSERT_TRUE(loop_.RunOnce(sys::Now() + 30 * sys::kSecond));
  EXPECT_FALSE(std::filesystem::exists(PathOf(1)));
  EXPECT_EQ(Killed(2), "") << "it is the next one's";
  EXPECT_FALSE(loop_.RunOnce(0)) << "nothing is left to be done";
}

}  // namespace
}  // namespace hydrapool
