// Faults of the network, the disk and the memory: what is decided without them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/fault/bytes.h"
#include "harness/fault/network_harm.h"
#include "harness/fault/replay.h"
#include "harness/fault/small_disk.h"
#include "harness/fault/victim_group.h"
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
struct VictimGroupTest : testing::Test {
  void Make(const std::string& group, const std::string& handed_on) const {
    std::filesystem::create_directories(root + group);
    std::ofstream(root + group + "/cgroup.subtree_control") << handed_on;
    std::ofstream(root + group + "/cgroup.procs") << "";
  }
  [[nodiscard]] sys::Result<VictimGroup> In(const std::string& own, Scarce what = Scarce::kMemory) const {
    return VictimGroup::In(what, {.version = version, .point = root, .root = mounted}, own, 4711);
  }
  static std::string NameOf(const std::string& fault) {
    return "harness-" + fault + "-4711-" + std::to_string(::getpid());  // of this injector
  }
  sys::ScratchDir scratch{"harness-group"};
  std::string root = scratch.path().string();
  std::string mounted = "/";
  int version = 2;
};

TEST_F(VictimGroupTest, LiesBelowTheNearestThatHandsItsControllerOn) {
  Make("/slice", "cpu memory pids");
  Make("/slice/server", "cpu");
  const std::string own = "3:cpu:/\n0::/slice/server\n";
  const auto group = In(own);
  ASSERT_TRUE(group);
  EXPECT_EQ(group->path(), root + "/slice/" + NameOf("oom"));
  EXPECT_EQ(group->from(), root + "/slice/server");
  EXPECT_EQ(In(own, Scarce::kProcesses)->path(), root + "/slice/" + NameOf("processes"));
  EXPECT_EQ(In(own, Scarce::kCpu)->path(), root + "/slice/server/" + NameOf("throttle"));
}

TEST_F(VictimGroupTest, IsRefusedWhereNobodyHandsItOn) {
  Make("/slice", "cpu memory_pressure");
  const auto group = In("0::/slice\n");
  ASSERT_FALSE(group);
  EXPECT_THAT(group.error().message, HasSubstr("oom needs a cgroup above the server that hands the memory"));
  EXPECT_THAT(In("0::/slice\n", Scarce::kProcesses).error().message,
              HasSubstr("hands the pids controller on"));
  EXPECT_THAT(In("0::/elsewhere\n").error().message, HasSubstr("cannot be seen from here"));
  EXPECT_THAT(In("").error().message, HasSubstr("is gone"));
}

TEST_F(VictimGroupTest, TellsWhetherItHasKilled) {
  Make("/group", "");
  const VictimGroup group(Scarce::kMemory, root + "/group", root);
  std::ofstream(root + "/group/memory.events") << "low 0\noom 1\noom_kill 0\n";
  EXPECT_FALSE(group.HasKilled());
  std::ofstream(root + "/group/memory.events") << "low 0\noom 1\noom_kill 1\n";
  EXPECT_TRUE(group.HasKilled());
}

TEST_F(VictimGroupTest, HoldsBackWhoIsInItWhileItsLimitIsThere) {
  Make("/group", "");
  const VictimGroup group(Scarce::kCpu, root + "/group", root);
  std::ofstream(root + "/group/cpu.max") << "5000 100000\n";
  EXPECT_FALSE(group.HoldsBack(4711)) << "it is not in it";
  std::ofstream(root + "/group/cgroup.procs") << "47110\n4711\n";
  EXPECT_TRUE(group.HoldsBack(4711));
  EXPECT_FALSE(group.HoldsBack(471));
  std::ofstream(root + "/group/cpu.max") << "max 100000\n";
  EXPECT_FALSE(group.HoldsBack(4711));
}

TEST_F(VictimGroupTest, OfVersion1NeedsNobodyToHandItOn) {
  version = 1;
  Make("/server", "");
  const auto group = In("4:cpu,memory:/server\n0::/elsewhere\n");
  ASSERT_TRUE(group);
  EXPECT_EQ(group->path(), root + "/server/" + NameOf("oom"));
  Make("/server/" + NameOf("oom"), "");
  std::ofstream(group->path() + "/memory.limit_in_bytes") << "0";
  std::ofstream(group->path() + "/memory.oom_control") << "under_oom 0\noom_kill 1\n";
  EXPECT_TRUE(group->HasKilled());
}

TEST_F(VictimGroupTest, InAContainerItsPathBeginsWhereTheMountDoes) {
  version = 1;
  mounted = "/docker/4f1b";
  Make("", "");
  Make("/server", "");
  EXPECT_EQ(In("4:memory:/docker/4f1b/server\n")->from(), root + "/server");
  EXPECT_EQ(In("4:memory:/docker/4f1b\n")->from(), root);
  EXPECT_EQ(In("4:memory:/docker/4f1b\n")->path(), root + "/" + NameOf("oom"));
  for (const char* other : {"4:memory:/docker/4f1b2/server\n", "4:memory:/server\n", "4:memory:/\n"})
    EXPECT_THAT(In(other).error().message, HasSubstr("cannot be seen from here")) << other;
}

TEST(MountOfTest, ItsOwnHierarchyOfVersion1GoesBeforeTheUnifiedOne) {
  const std::string mounts =
      "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
      "36 31 0:33 /docker/4f1b /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
  const auto memory = MountOf(Scarce::kMemory, mounts);
  EXPECT_EQ(memory->version, 1);
  EXPECT_EQ(memory->point, "/sys/fs/cgroup/memory");
  EXPECT_EQ(memory->root, "/docker/4f1b");
  EXPECT_EQ(MountOf(Scarce::kCpu, mounts)->point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(MountOf(Scarce::kProcesses, mounts)->version, 2);
  EXPECT_EQ(MountOf(Scarce::kProcesses, mounts)->point, "/sys/fs/cgroup/unified");
  EXPECT_FALSE(MountOf(Scarce::kMemory, "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n"));
}

TEST_F(VictimGroupTest, OnlyItsMembersAreMovedBack) {
  Make("/group", "");
  Make("/group/harness", "");
  const VictimGroup group(Scarce::kMemory, root + "/group/harness", root + "/group");
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
  const PlannedFault held{
      .id = 1, .at = 5, .fault = Fault::kStop, .draw = 3, .hold = 250 * sys::kMillisecond};
  EXPECT_EQ(*FaultsIn(ToJson(held), "f"), std::vector{held});
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
  for (const char* wrong :
       {R"("id":-1,"t_ms":1)", R"("id":1,"t_ms":-1)", R"("id":1,"t_ms":1e300)", R"("id":1,"at_ns":-5)",
        R"("id":1,"t_ms":1,"draw":-1)", R"("id":1,"t_ms":1,"slot":-2)", R"("id":1,"t_ms":1,"hold_ms":-3)",
        R"("id":1,"t_ms":1,"requests":1.5)"})
    EXPECT_FALSE(FaultsIn(fmt::format(R"({{"fault":"stop","target":"random",{}}})", wrong), "f")) << wrong;
  EXPECT_FALSE(FaultsIn("", "f"));
}

}  // namespace
}  // namespace hydrapool::harness
