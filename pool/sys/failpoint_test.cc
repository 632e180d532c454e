#include "pool/sys/failpoint.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "pool/sys/child.h"
#include "pool/sys/failpoint_gate.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

// In a process of its own, since points stay armed: arms them, then lets one child after the other pass
// `name` until it has passed `passes` times in all. Returns the passes that killed, for instance "2 4 ".
std::string DeathsOf(const char* variable, const char* name, int passes) {
  ::setenv("HYDRAPOOL_FAILPOINTS", variable, 1);
  ArmFailpoints();
  std::string deaths;
  for (int pass = 1; pass <= passes; ++pass) {
    Child child = Child::Fork([name] {
      PassFailpoint(name);
      return 0;
    });
    if (!test::WaitFor(child.pidfd(), POLLIN)) return "hung";
    if (child.TryReap()->signal == SIGKILL) deaths += std::to_string(pass) + " ";
  }
  return deaths;
}

void ExpectDeaths(const char* variable, const char* name, int passes, const std::string& expected) {
  Child child = Child::Fork([&] {
    const std::string deaths = DeathsOf(variable, name, passes);
    if (deaths != expected) fprintf(stderr, "%s: killed at %s\n", variable, deaths.c_str());
    return deaths == expected ? 0 : 1;
  });
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  EXPECT_EQ(child.TryReap()->Describe(), "exit_0") << variable << ", expected " << expected;
}

TEST(FailpointTest, KillsTheFirstThatPasses) { ExpectDeaths("a=kill", "a", 3, "1 "); }
TEST(FailpointTest, CountsPassesOverAllProcesses) { ExpectDeaths("a=kill@3", "a", 6, "3 "); }
TEST(FailpointTest, PlusMeansEachLaterOneToo) { ExpectDeaths("a=kill@3+", "a", 6, "3 4 5 6 "); }
TEST(FailpointTest, PercentMeansEveryMthAfterIt) { ExpectDeaths("a=kill@2%3", "a", 9, "2 5 8 "); }
TEST(FailpointTest, OtherNamesPassUnharmed) { ExpectDeaths("a=kill@1+", "b", 3, ""); }
TEST(FailpointTest, SeveralPointsAreCountedApart) { ExpectDeaths("x=kill@1+,a=kill@2,y=stop", "a", 3, "2 "); }
TEST(FailpointTest, AnEmptyVariableArmsNothing) { ExpectDeaths("", "a", 2, ""); }

FailpointGate& MakeGate(const std::string& path) {
  std::ofstream(path) << std::string(sizeof(FailpointGate), '\0');
  return **MapFailpointGate(path.c_str());
}

TEST(FailpointTest, AnOpenGateStrikesOne) {
  const ScratchDir scratch("failpoint");
  const std::string path = scratch / "gate";
  EXPECT_FALSE(MapFailpointGate(path.c_str()));
  FailpointGate& gate = MakeGate(path);
  gate.Open();
  const std::string variable = "a=kill@" + path;
  ExpectDeaths(variable.c_str(), "a", 3, "1 ");
#ifdef HYDRAPOOL_FAILPOINTS
  EXPECT_EQ(gate.armed, 1u);
#else
  EXPECT_EQ(gate.armed, 0u) << "this program has no points";
#endif
  EXPECT_GT(gate.inside(), 1);
  EXPECT_FALSE(gate.CloseIfEmpty());
  gate.Close();
  EXPECT_EQ(gate.inside(), 0);
  ExpectDeaths(variable.c_str(), "a", 2, "");
}

TEST(FailpointTest, WhoIsStoppedInAGateGoesOnWhenItIsClosedOrOpenedAgain) {
  const ScratchDir scratch("failpoint");
  const std::string path = scratch / "gate";
  FailpointGate& gate = MakeGate(path);
  for (const bool closed : {true, false}) {
    gate.Open();
    Child child = Child::Fork([&path] {
      ::setenv("HYDRAPOOL_FAILPOINTS", ("a=stop@" + path).c_str(), 1);
      ArmFailpoints();
      PassFailpoint("a");
      return 3;
    });
    while (gate.inside() == 0) ::sched_yield();
    EXPECT_EQ(gate.inside(), child.pid());
    if (closed) {
      gate.Close();
    } else {
      gate.Open();
    }
    ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
    EXPECT_EQ(child.TryReap()->Describe(), "exit_3");
    EXPECT_TRUE(gate.CloseIfEmpty());
  }
}

TEST(FailpointTest, StopStops) {
  Child child = Child::Fork([] {
    ::setenv("HYDRAPOOL_FAILPOINTS", "a=stop", 1);
    ArmFailpoints();
    PassFailpoint("a");
    return 3;
  });
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED), 0);
  EXPECT_EQ(info.si_status, SIGSTOP);
  child.Signal(SIGCONT);
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  EXPECT_EQ(child.TryReap()->Describe(), "exit_3");
}

TEST(FailpointTest, CrashIsASegmentationFault) {
  Child child = Child::Fork([] {
    ::setenv("HYDRAPOOL_FAILPOINTS", "a=crash", 1);
    ArmFailpoints();
    PassFailpoint("a");
    return 3;
  });
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  EXPECT_EQ(child.TryReap()->signal, SIGSEGV);
}

TEST(FailpointTest, SkipLeavesOutWhatStandsThere) {
  Child child = Child::Fork([] {
    ::setenv("HYDRAPOOL_FAILPOINTS", "a=skip@2+", 1);
    ArmFailpoints();
    const bool first = PassFailpoint("a");
    const bool second = PassFailpoint("a");
    return !first && second && !PassFailpoint("b") ? 0 : 1;
  });
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  EXPECT_EQ(child.TryReap()->Describe(), "exit_0");
}

TEST(FailpointTest, WhatCannotBeReadIsRefusedWithTheText) {
  for (const char* variable : {"a", "=kill", "a=", "a=die", "a=kill@", "a=kill@0", "a=kill@x", "a=kill@3%",
                               "a=kill@3%0", "a=kill@-1", "a=kill@3++", "a=kill,b", ",a=kill"}) {
    ::setenv("HYDRAPOOL_FAILPOINTS", variable, 1);
    try {
      ArmFailpoints();
      ADD_FAILURE() << variable << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("HYDRAPOOL_FAILPOINTS: cannot read '"))
          << error.what();
    }
  }
  ::unsetenv("HYDRAPOOL_FAILPOINTS");
}

}  // namespace
}  // namespace hydrapool::sys
