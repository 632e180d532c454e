#include "pool/shared/process_cgroups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

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
    fs::create_directory(scratch_.path() / "program-7.2");
    for (const char* file : {"memory.max", "memory.oom.group", "pids.max", "memory.events", "cgroup.kill"})
      Put(file, "");
  }
  void Put(const std::string& file, const std::string& text) const {
    std::ofstream(scratch_ / ("program-7.2/" + file)) << text;
  }
  [[nodiscard]] std::string Get(const std::string& file) const {
    return sys::ReadFile(scratch_ / ("program-7.2/" + file));
  }
  [[nodiscard]] ProcessCgroups With(bool memory, bool tasks) const {
    return {scratch_.path(), {.memory = memory, .tasks = tasks}};
  }

  static constexpr CgroupName kName{.place = 7, .tenancy = 2};
  const sys::ScratchDir scratch_{"process_cgroups_test"};
};

TEST_F(FakeCgroupTest, LimitsAreWrittenAtEachStart) {
  ASSERT_TRUE(With(true, true).Enter(kName, {.memory_max = 1 << 20, .tasks_max = 64}));
  EXPECT_EQ(Get("memory.max"), "1048576");
  EXPECT_EQ(Get("memory.oom.group"), "1");
  EXPECT_EQ(Get("pids.max"), "64");
  for (const char* file : {"memory.max", "pids.max"}) Put(file, "");
  ASSERT_TRUE(With(true, true).Enter(kName, {}));  // another program
  EXPECT_EQ(Get("memory.max"), "max");
  EXPECT_EQ(Get("pids.max"), "max");
  for (const char* file : {"memory.max", "pids.max"}) Put(file, "");
  ASSERT_TRUE(With(false, false).Enter(kName, {.tasks_max = 64}));
  EXPECT_EQ(Get("memory.max") + Get("pids.max"), "");
}

TEST_F(FakeCgroupTest, WhereALimitCannotBeSetNothingStarts) {
  fs::remove(scratch_ / "program-7.2/pids.max");
  const auto refused = With(false, true).Enter(kName, {.tasks_max = 64});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("/program-7.2/pids.max: No such file"));
}

TEST_F(FakeCgroupTest, AnEndKillsAllAtOnceAndCountsWhatWasOutOfMemory) {
  const ProcessCgroups cgroups = With(true, false);
  const CgroupName other{.place = 7, .tenancy = 1};  // that was never made
  EXPECT_FALSE(cgroups.End(kName)) << "it is there yet";
  EXPECT_EQ(Get("cgroup.kill"), "1");
  EXPECT_TRUE(cgroups.End(other));
  Put("memory.events", "low 0\nmax 12\noom 4\noom_kill 3\noom_group_kill 1\n");
  EXPECT_EQ(cgroups.OutOfMemory(kName), 3u);
  EXPECT_EQ(cgroups.OutOfMemory(other), 0u);
  EXPECT_EQ(With(false, true).OutOfMemory(kName), 0u);
}

TEST_F(FakeCgroupTest, OnlyProgramsCgroupsAreEnded) {
  for (const char* name :
       {"program-", "program-x", "program-7.service", "program-7.2.3", "program-70x", "server"})
    fs::create_directory(scratch_ / name);
  fs::create_directory(scratch_ / "program-8");  // of an earlier version
  fs::create_directory(scratch_ / "program-9.0");
  fs::create_directory(scratch_ / "program-9.1");
  const auto before_1 = [](const CgroupName& name) { return name.tenancy < 1; };
  EXPECT_TRUE(With(false, false).EndAll(before_1));
  EXPECT_FALSE(fs::exists(scratch_ / "program-8") || fs::exists(scratch_ / "program-9.0"));
  const auto count = std::distance(fs::directory_iterator(scratch_.path()), fs::directory_iterator());
  EXPECT_EQ(count, 8) << "also programs whose cgroups are in use";
  EXPECT_FALSE(With(false, false).EndAll([](const CgroupName& name) { return name.place == 7; }));
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

  /// Nobody runs there any more: killed already, and not by another look.
  void ExpectToEmpty(const std::string& name) const {
    const std::string events = cgroup_.path() + "/" + name + "/cgroup.events";
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto runs = [&] { return sys::ReadFile(events).find("populated 1") != std::string::npos; };
    while (runs() && std::chrono::steady_clock::now() < late) ::usleep(1000);
    EXPECT_FALSE(runs()) << name;
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

// Other users may read there, and flock(2) asks for no more.
TEST_F(CgroupTest, AStrangerKeepsNoPoolFromItsDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  {
    ProcessCgroups before(cgroup_.path(), {});
    ASSERT_TRUE(before.Take({}));
  }
  constexpr uid_t kNobody = 65534;
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const sys::UniqueFd read(ready[0]);
  sys::UniqueFd write(ready[1]);
  const sys::Child stranger = sys::Child::Fork([&] {
    if (::setresuid(kNobody, kNobody, kNobody) != 0) return 1;
    std::vector<fs::path> paths{cgroup_.path()};
    for (const auto& entry : fs::recursive_directory_iterator(cgroup_.path())) paths.push_back(entry.path());
    int locked = 0;
    for (const fs::path& path : paths) {
      for (const int how : {O_RDONLY, O_WRONLY}) {
        const int fd = ::open(path.c_str(), how | O_CLOEXEC);
        if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0) ++locked;
      }
    }
    if (::write(write.get(), &locked, sizeof(locked)) < 0) return 1;
    for (;;) ::pause();
    return 0;
  });
  write.Reset();
  int locked = 0;
  ASSERT_EQ(::read(read.get(), &locked, sizeof(locked)), static_cast<ssize_t>(sizeof(locked)));
  EXPECT_GT(locked, 1);
  ProcessCgroups next(cgroup_.path(), {});
  const auto taken = next.Take({});
  EXPECT_TRUE(taken) << taken.error().message;
}

TEST_F(CgroupTest, AnEndKillsAllThatIsThereAndTheNextOneInItsPlaceHasAnother) {
  ProcessCgroups cgroups(cgroup_.path(), {});
  ASSERT_TRUE(cgroups.Take({}));
  ASSERT_TRUE(cgroups.Enter({3, 0}, {}));
  sys::Child inside = Sleeper();
  sys::Child outside = Sleeper();
  Put(inside, "program-3.0");
  ASSERT_EQ(cgroup_.ProcessesOf("program-3.0"), std::to_string(inside.pid()) + "\n");
  std::ofstream(cgroup_.path() + "/program-3.0/cgroup.freeze") << "1";
  EXPECT_TRUE(cgroups.End({4, 0}));
  static_cast<void>(cgroups.End({3, 0}));
  const auto cgroup = cgroups.Enter({3, 1}, {});
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
  EXPECT_EQ(EndOf(inside).signal, SIGKILL);
  EXPECT_FALSE(outside.IsDead());
  ExpectToEmpty("program-3.0");
  EXPECT_TRUE(cgroups.End({3, 0}));
  EXPECT_TRUE(cgroups.End({3, 1}));
}

// Each is another process by the time its number is read.
TEST_F(CgroupTest, NobodyEscapesAnEndByForkingAndExiting) {
  constexpr std::size_t kPlaces = 8;
  constexpr std::uint64_t kTenancies = 5;
  const auto start = [this](const std::string& cgroup) {
    sys::Child hopper = sys::Child::Fork([&] {
      std::ofstream(cgroup_.path() + "/" + cgroup + "/cgroup.procs") << "0";
      for (int hops = 0; hops < 2000; ++hops) {
        if (::fork() != 0) ::_exit(0);
      }
      for (;;) ::pause();
      return 0;
    });
    EndOf(hopper);
  };
  ProcessCgroups cgroups(cgroup_.path(), {});
  ASSERT_TRUE(cgroups.Take({}));
  for (std::uint64_t tenancy = 0; tenancy < kTenancies && !HasFailure(); ++tenancy) {
    const auto name = [&](std::size_t place) { return fmt::format("program-{}.{}", place, tenancy); };
    for (std::size_t place = 0; place < kPlaces; ++place) {
      ASSERT_TRUE(cgroups.Enter({place, tenancy}, {}));
      start(name(place));
    }
    for (std::size_t place = 0; place < kPlaces; ++place) {
      static_cast<void>(cgroups.End({place, tenancy}));
      ExpectToEmpty(name(place));
    }
  }
}

TEST_F(CgroupTest, AnEndNeedsFewDescriptorsAndIsMadeUpForWhereNoneIsLeft) {
  ProcessCgroups cgroups(cgroup_.path(), {});
  ASSERT_TRUE(cgroups.Take({}));
  for (const std::size_t place : {3u, 4u}) {
    ASSERT_TRUE(cgroups.Enter({place, 0}, {}));
    sys::Child crowd = sys::Child::Fork([&] {
      std::ofstream(fmt::format("{}/program-{}.0/cgroup.procs", cgroup_.path(), place)) << "0";
      for (int i = 0; i < 60; ++i) {
        if (::fork() == 0) {
          for (;;) ::pause();
        }
      }
      return 0;
    });
    ASSERT_TRUE(EndOf(crowd).clean());
  }
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto end_with = [&](rlim_t count, const CgroupName& name) {
    const rlimit limit{.rlim_cur = count, .rlim_max = before.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    const bool gone = cgroups.End(name);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    return gone;
  };
  static_cast<void>(end_with(40, {3, 0}));
  ExpectToEmpty("program-3.0");
  EXPECT_FALSE(end_with(0, {4, 0}));
  static_cast<void>(cgroups.EndAll([](const CgroupName& name) { return name.place == 4; }));
  ExpectToEmpty("program-4.0");
}

// Of a pool whose processes were all killed at once.
TEST_F(CgroupTest, WhatAnEarlierPoolHasLeftIsEndedBeforeTheNextOneServes) {
  {
    ProcessCgroups before(cgroup_.path(), {});
    ASSERT_TRUE(before.Take({}));
    ASSERT_TRUE(before.Enter({3, 5}, {}));
  }
  fs::create_directory(cgroup_.path() + "/program-3.5/own");  // by a program
  sys::Child left = Sleeper();
  Put(left, "program-3.5/own");
  fs::create_directory(cgroup_.path() + "/program-x");  // somebody else's
  sys::Child other = Sleeper();
  Put(other, "program-x");
  ProcessCgroups next(cgroup_.path(), {});
  ASSERT_TRUE(next.Take({}));
  EXPECT_EQ(EndOf(left).signal, SIGKILL);
  EXPECT_FALSE(fs::exists(cgroup_.path() + "/program-3.5"));
  EXPECT_FALSE(other.IsDead());
}

TEST_F(CgroupTest, AControllerThatIsNotThereIsOneLine) {
  if (sys::ReadFile(cgroup_.path() + "/cgroup.controllers").find("memory") != std::string::npos)
    GTEST_SKIP() << "it has the controller";
  EXPECT_THAT(ProcessCgroups(cgroup_.path(), {.memory = true}).Check().error().message,
              HasSubstr(cgroup_.path() + ": it has no controller 'memory'"));
}

}  // namespace
}  // namespace hydrapool
