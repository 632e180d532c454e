// Faults of the network, the disk and the memory: what is decided without them.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/fault/bytes.h"
#include "harness/fault/memory_group.h"
#include "harness/fault/network_harm.h"
#include "harness/fault/replay.h"
#include "harness/fault/small_disk.h"
#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;

TEST(NetworkHarmTest, IsReadAsItIsWritten) {
  EXPECT_DOUBLE_EQ(ParseNetworkHarm("loss 2.5%")->part, 0.025);
  EXPECT_EQ(ParseNetworkHarm("rate 100kb")->bytes, 102'400u);
  EXPECT_EQ(ParseNetworkHarm("delay 50ms")->delay, 50 * sys::kMillisecond);
  EXPECT_DOUBLE_EQ(ParseNetworkHarm("disconnect 10%")->part, 0.1);
  EXPECT_EQ(ParseNetworkHarm("partition")->kind, NetworkHarm::Kind::kPartition);
  for (const char* wrong : {"loss", "loss 5", "loss 0%", "loss 101%", "partition 5%", "rate 0", "rate 5%",
                            "delay", "delay -1ms", "reset", "reorder 1ms", ""})
    EXPECT_FALSE(ParseNetworkHarm(wrong)) << wrong;
  EXPECT_THAT(ParseNetworkHarm("los 5%").error().message, HasSubstr("'loss'"));
}

TEST(NetworkHarmTest, TheMachinesOwnNetworkIsNeverHurt) {
  // Of a user who may not see whose network pid 1 has, all the more.
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/ns/net", error);
  const auto machines = std::filesystem::read_symlink("/proc/1/ns/net", error);
  if (!error && own != machines) GTEST_SKIP() << "this test runs in a network of its own";
  EXPECT_THAT(WhyNoHarm({}).value_or(""), HasSubstr("own network is never hurt"));
}

TEST(BytesTest, HaveUnits) {
  EXPECT_EQ(*ParseBytes("8mb"), 8u << 20);
  for (const char* wrong : {"", "0", "8m", "kb", "-1", "99999999999gb"})
    EXPECT_FALSE(ParseBytes(wrong)) << wrong;
}

TEST(SmallDiskTest, ADirectoryOfTheMachinesDiskIsNotFilled) {
  const sys::ScratchDir scratch("harness-disk");
  EXPECT_THAT(WhyNoFilling(scratch.path().string()).value_or(""), HasSubstr("no file system of its own"));
  EXPECT_FALSE(Fill(scratch.path().string(), "1"));
  EXPECT_TRUE(WhyNoFilling("/proc/nowhere"));
}

/// A tree of files as cgroups have it.
struct MemoryGroupTest : testing::Test {
  void Make(const std::string& group, const std::string& handed_on) const {
    std::filesystem::create_directories(root + group);
    std::ofstream(root + group + "/cgroup.subtree_control") << handed_on;
    std::ofstream(root + group + "/cgroup.procs") << "";
  }
  const std::string kGroup = "harness-oom-4711-" + std::to_string(::getpid());  // of this injector
  sys::ScratchDir scratch{"harness-group"};
  std::string root = scratch.path().string();
};

TEST_F(MemoryGroupTest, LiesBelowTheNearestThatHandsMemoryOn) {
  Make("/slice", "cpu memory pids");
  Make("/slice/server", "cpu");
  const auto group = MemoryGroup::In(root, "3:cpu:/\n0::/slice/server\n", 4711);
  ASSERT_TRUE(group);
  EXPECT_EQ(group->path(), root + "/slice/" + kGroup);
  EXPECT_EQ(group->from(), root + "/slice/server");
}

TEST_F(MemoryGroupTest, IsRefusedWhereNobodyHandsMemoryOn) {
  Make("/slice", "cpu memory_pressure");
  const auto group = MemoryGroup::In(root, "0::/slice\n", 4711);
  ASSERT_FALSE(group);
  EXPECT_THAT(group.error().message, HasSubstr("hands the memory controller on"));
}

TEST_F(MemoryGroupTest, TellsWhetherItHasKilled) {
  Make("/group", "");
  const MemoryGroup group(root + "/group", root);
  std::ofstream(root + "/group/memory.events") << "low 0\noom 1\noom_kill 0\n";
  EXPECT_FALSE(group.HasKilled());
  std::ofstream(root + "/group/memory.events") << "low 0\noom 1\noom_kill 1\n";
  EXPECT_TRUE(group.HasKilled());
}

TEST_F(MemoryGroupTest, OfVersion1NeedsNobodyToHandMemoryOn) {
  Make("/server", "");
  std::ofstream(root + "/server/memory.limit_in_bytes") << "1";
  const auto group = MemoryGroup::In(root, "4:cpu,memory:/server\n0::/elsewhere\n", 4711);
  ASSERT_TRUE(group);
  EXPECT_EQ(group->path(), root + "/server/" + kGroup);
  Make("/server/" + kGroup, "");
  std::ofstream(group->path() + "/memory.oom_control") << "under_oom 0\noom_kill 1\n";
  EXPECT_TRUE(group->HasKilled());
}

TEST_F(MemoryGroupTest, OnlyItsMembersAreMovedBack) {
  Make("/group", "");
  Make("/group/harness", "");
  const MemoryGroup group(root + "/group/harness", root + "/group");
  EXPECT_FALSE(group.End()) << "files cannot be removed so";
  EXPECT_EQ(sys::ReadFile(root + "/group/cgroup.procs"), "");
  std::ofstream(root + "/group/harness/cgroup.procs") << "4711\n";
  EXPECT_FALSE(group.End());
  EXPECT_EQ(sys::ReadFile(root + "/group/cgroup.procs"), "4711");
}

TEST(ReplayTest, AFaultHitsTheSlotThatItHit) {
  const auto faults = FaultsIn(
      R"({"id":2,"t_ms":20.5,"fault":"stop","target":"random","draw":7,"hold_ms":300,"role":"worker","slot":3,"pid":9})"
      "\n"
      R"({"id":1,"t_ms":10,"fault":"kill","target":"any","draw":18446744073709551615,"role":"supervisor","pid":8})"
      "\n"
      R"({"id":3,"t_ms":30,"fault":"reload","target":"server","draw":1,"role":"supervisor","pid":8})"
      "\n",
      "f.jsonl");
  ASSERT_TRUE(faults) << faults.error().message;
  ASSERT_EQ(faults->size(), 3u);
  EXPECT_EQ((*faults)[0].target, Target::kSupervisor);
  EXPECT_EQ((*faults)[0].draw, 18446744073709551615u);
  EXPECT_EQ((*faults)[1].target, Target(Target::kSlot, 3));
  EXPECT_EQ((*faults)[1].at, 20'500 * sys::kMicrosecond);
  EXPECT_EQ((*faults)[1].hold, 300 * sys::kMillisecond);
  EXPECT_EQ((*faults)[2].target, Target::kServer);
}

TEST(ReplayTest, LinesOfOneFaultForWorkersWithoutSlotsAreOne) {
  const std::string line =
      R"({"id":1,"t_ms":10,"fault":"kill","target":"all","draw":5,"role":"worker","pid":9})";
  EXPECT_EQ(FaultsIn(line + "\n" + line + "\n", "f")->size(), 1u);
}

TEST(ReplayTest, WhatADryRunPrintsCanBeDone) {
  const PlannedFault planned{.id = 1, .at = 5, .fault = Fault::kTerm, .target = Target::kOldest, .draw = 3};
  EXPECT_EQ(*FaultsIn(ToJson(planned), "f"), std::vector{planned});
}

TEST(ReplayTest, CountsPhasesAndProgramsComeAgain) {
  const PlannedFault planned{.id = 1, .draw = 3, .requests = 700, .phase = Phase::kExecuting};
  EXPECT_EQ(*FaultsIn(ToJson(planned), "f"), std::vector{planned});
  const auto program = FaultsIn(
      R"({"id":1,"t_ms":10,"fault":"kill","target":"cgi-of=2","draw":5,"role":"program","slot":2,"pid":9})",
      "f");
  EXPECT_EQ(program->at(0).target, Target(Target::kCgiOf, 2));
  EXPECT_THAT(FaultsIn(R"({"id":1,"t_ms":1,"fault":"kill","target":"all","phase":"x"})", "f").error().message,
              HasSubstr("f:1: 'x' is none of"));
}

TEST(ReplayTest, WhatIsNoJournalIsRefusedWithItsLine) {
  EXPECT_THAT(FaultsIn("\nhello\n", "f.jsonl").error().message, HasSubstr("f.jsonl:2: "));
  EXPECT_THAT(FaultsIn(R"({"id":1,"t_ms":1,"fault":"kil","target":"all"})", "f").error().message,
              HasSubstr("f:1: 'kil'"));
  EXPECT_FALSE(FaultsIn("", "f"));
}

}  // namespace
}  // namespace hydrapool::harness
