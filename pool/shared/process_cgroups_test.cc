#include "pool/shared/process_cgroups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "pool/shared/test_cgroup.h"
#include "pool/sys/child.h"
#include "pool/sys/clone.h"
#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

sys::Child Sleeper() {
  return sys::Child::Fork([] {
    for (;;) ::pause();
    return 0;
  });
}
sys::ExitStatus EndOf(sys::Child& child) {
  pollfd ended{child.pidfd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 30'000), 1);
  return child.TryReap().value_or(sys::ExitStatus{});
}

/// Files in place of a cgroup's.
class FakeCgroupTest : public ::testing::Test {
 protected:
  FakeCgroupTest() {
    fs::create_directory(scratch_.path() / "program-7");
    for (const char* file : {"memory.max", "memory.oom.group", "pids.max", "memory.events"}) Put(file, "");
  }
  void Put(const std::string& file, const std::string& text) const {
    std::ofstream(scratch_ / ("program-7/" + file)) << text;
  }
  [[nodiscard]] std::string Get(const std::string& file) const {
    return sys::ReadFile(scratch_ / ("program-7/" + file));
  }
  [[nodiscard]] ProcessCgroups With(bool memory, bool tasks) const {
    return {scratch_.path(), {.memory = memory, .tasks = tasks}};
  }

  const sys::ScratchDir scratch_{"process_cgroups_test"};
};

TEST_F(FakeCgroupTest, LimitsAreWrittenAtEachStart) {
  ASSERT_TRUE(With(true, true).Enter(7, {.memory_max = 1 << 20, .tasks_max = 64}));
  EXPECT_EQ(Get("memory.max"), "1048576");
  EXPECT_EQ(Get("memory.oom.group"), "1");
  EXPECT_EQ(Get("pids.max"), "64");
  for (const char* file : {"memory.max", "pids.max"}) Put(file, "");
  ASSERT_TRUE(With(true, true).Enter(7, {}));  // of the next program in that place
  EXPECT_EQ(Get("memory.max"), "max");
  EXPECT_EQ(Get("pids.max"), "max");
  for (const char* file : {"memory.max", "pids.max"}) Put(file, "");
  ASSERT_TRUE(With(false, false).Enter(7, {.tasks_max = 64}));
  EXPECT_EQ(Get("memory.max") + Get("pids.max"), "");
}

TEST_F(FakeCgroupTest, WhereALimitCannotBeSetNothingStarts) {
  fs::remove(scratch_ / "program-7/pids.max");
  const auto refused = With(false, true).Enter(7, {.tasks_max = 64});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("/program-7/pids.max: No such file"));
}

TEST_F(FakeCgroupTest, AnEndKillsAllAndCountsWhatWasOutOfMemory) {
  const ProcessCgroups cgroups = With(true, false);
  sys::Child below = Sleeper();
  Put("cgroup.procs", std::to_string(below.pid()) + "\n");
  Put("cgroup.events", "populated 0\nfrozen 0\n");
  cgroups.End(7);
  EXPECT_FALSE(below.IsDead());
  Put("cgroup.events", "populated 1\nfrozen 0\n");
  cgroups.End(7);
  EXPECT_EQ(EndOf(below).signal, SIGKILL);
  cgroups.End(8);  // one that was never made
  Put("memory.events", "low 0\nmax 12\noom 4\noom_kill 3\noom_group_kill 1\n");
  EXPECT_EQ(cgroups.OutOfMemory(7), 3u);
  EXPECT_EQ(cgroups.OutOfMemory(8), 0u);
  EXPECT_EQ(With(false, true).OutOfMemory(7), 0u);
}

TEST_F(FakeCgroupTest, OnlyACgroupOfVersion2WillDo) {
  EXPECT_THAT(With(false, false).Check().error().message, HasSubstr(": no cgroup of version 2"));
  EXPECT_THAT(ProcessCgroups("/no/such", {}).Check().error().message, HasSubstr("/no/such: No such file"));
  EXPECT_FALSE(With(false, false).Take({}));
}

class CgroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cgroup_) GTEST_SKIP() << "no cgroup of version 2 that this user may have";
  }
  void Put(const sys::Child& process, const std::string& name) const {
    std::ofstream(cgroup_.path() + "/" + name + "/cgroup.procs") << process.pid();
  }

  const TestCgroup cgroup_;
};

TEST_F(CgroupTest, OnePoolAtATimeHasADirectory) {
  ProcessCgroups first(cgroup_.path(), {});
  const auto taken = first.Take({});
  ASSERT_TRUE(taken) << taken.error().message;
  ProcessCgroups second(cgroup_.path(), {});
  EXPECT_THAT(second.Take({}).error().message, HasSubstr(": another server has it"));
  EXPECT_TRUE(second.Check());
  ProcessCgroups heir(cgroup_.path(), {});
  EXPECT_TRUE(heir.Take(sys::UniqueFd(::dup(first.lock()))));
  ProcessCgroups elsewhere(fs::path(cgroup_.path()).parent_path(), {});
  EXPECT_THAT(elsewhere.Take(sys::UniqueFd(::dup(first.lock()))).error().message, HasSubstr("a new start"));
  heir.Leave();
  EXPECT_EQ(cgroup_.children(), 0u);
}

// Others may start there afterwards.
TEST_F(CgroupTest, AnEndKillsAllThatIsThere) {
  ProcessCgroups cgroups(cgroup_.path(), {});
  ASSERT_TRUE(cgroups.Take({}));
  ASSERT_TRUE(cgroups.Enter(3, {}));
  sys::Child inside = Sleeper();
  sys::Child outside = Sleeper();
  Put(inside, "program-3");
  ASSERT_EQ(cgroup_.ProcessesOf("program-3"), std::to_string(inside.pid()) + "\n");
  cgroups.End(4);
  cgroups.End(3);
  EXPECT_EQ(EndOf(inside).signal, SIGKILL);
  EXPECT_FALSE(outside.IsDead());
  const auto cgroup = cgroups.Enter(3, {});
  ASSERT_TRUE(cgroup);
  alignas(16) std::array<char, 16 * 1024> stack{};
  int pidfd = -1;
  const pid_t pid = sys::CloneClearingHandlers([](void*) -> int { ::_exit(7); }, nullptr, stack.data(),
                                               stack.size(), CLONE_VM | CLONE_VFORK, &pidfd, cgroup->get());
  ASSERT_GT(pid, 0);
  const sys::UniqueFd held(pidfd);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

// Of a pool whose processes were all killed at once.
TEST_F(CgroupTest, WhatAnEarlierPoolHasLeftIsEndedBeforeTheNextOneServes) {
  {
    ProcessCgroups before(cgroup_.path(), {});
    ASSERT_TRUE(before.Take({}));
    ASSERT_TRUE(before.Enter(3, {}));
  }
  fs::create_directory(cgroup_.path() + "/program-3/own");  // by a program
  sys::Child left = Sleeper();
  Put(left, "program-3/own");
  ProcessCgroups next(cgroup_.path(), {});
  ASSERT_TRUE(next.Take({}));
  EXPECT_EQ(EndOf(left).signal, SIGKILL);
  EXPECT_FALSE(fs::exists(cgroup_.path() + "/program-3"));
}

TEST_F(CgroupTest, AControllerThatIsNotThereIsOneLine) {
  if (sys::ReadFile(cgroup_.path() + "/cgroup.controllers").find("memory") != std::string::npos)
    GTEST_SKIP() << "it has the controller";
  EXPECT_THAT(ProcessCgroups(cgroup_.path(), {.memory = true}).Check().error().message,
              HasSubstr(cgroup_.path() + ": it has no controller 'memory'"));
}

}  // namespace
}  // namespace hydrapool
