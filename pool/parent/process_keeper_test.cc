#include "pool/parent/process_keeper.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "pool/shared/process_cgroups.h"
#include "pool/sys/child.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool {
namespace {

// Files stand for the cgroup of the first place.
TEST(ProcessKeeperTest, WhatIsReapedEndsItsCgroupAndIsOutOfMemoryWhereTheKernelHasKilledThere) {
  const sys::ScratchDir scratch("process_keeper_test");
  const std::filesystem::path cgroup = scratch.path() / "program-0";
  std::filesystem::create_directory(cgroup);
  const auto put = [&](const char* file, const char* text) { std::ofstream(cgroup / file) << text; };
  ProcessCgroups::SetOfPool(ProcessCgroups(scratch.path(), {.memory = true}));
  sys::EventLoop loop;
  LeaseTable table(4);
  const auto counts = std::make_unique<PoolCounts>();
  ProcessKeeper keeper(loop, table, *counts);
  const auto reaped = [&](pid_t pid, const char* events) {
    ProcessPlaces::Place* const place = table.places().Claim(1, 1);
    EXPECT_TRUE(place != nullptr && ProcessPlaces::Occupy(*place, 1, pid));
    put("memory.events", events);
    return keeper.OnReaped(pid);
  };
  const sys::Child left = sys::Child::Fork([] {
    for (;;) ::pause();
    return 0;
  });
  pollfd ended{left.pidfd(), POLLIN, 0};
  put("cgroup.procs", (std::to_string(left.pid()) + "\n").c_str());
  put("cgroup.events", "populated 1\n");
  using What = ProcessPlaces::Freed::What;
  EXPECT_FALSE(reaped(4242, "oom 0\noom_kill 0\n").out_of_memory);
  EXPECT_EQ(::poll(&ended, 1, 30'000), 1) << "what was left in its cgroup lives";
  const auto killed = reaped(4243, "oom 1\noom_kill 2\n");
  EXPECT_EQ(killed.what, What::kPlace);
  EXPECT_TRUE(killed.out_of_memory);
  EXPECT_FALSE(reaped(4244, "oom 1\noom_kill 2\n").out_of_memory) << "that was another's";
  EXPECT_EQ(keeper.OnReaped(4245).what, What::kNothing);
}

}  // namespace
}  // namespace hydrapool
