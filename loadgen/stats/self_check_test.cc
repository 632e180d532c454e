#include "loadgen/stats/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;
using ::testing::HasSubstr;

SelfEvidence OpenLoop(double achieved) {
  return {
      .open_loop = true, .achieved = achieved, .busiest = {.wall = 10 * kSecond}, .duration = 10 * kSecond};
}

TEST(SelfCheckTest, AScheduleKeptByAnIdleGeneratorNeedsNoWords) {
  const auto check = CheckSelf(OpenLoop(1));
  EXPECT_TRUE(check.valid);
  EXPECT_EQ(check.bottleneck, "none");
  EXPECT_EQ(check.reason, "");
}

TEST(SelfCheckTest, AnOpenLoopThatLacksCpuIsInvalidAndSaysSo) {
  auto evidence = OpenLoop(0.9);
  evidence.busiest.cpu = 6 * kSecond;
  evidence.busiest.run_queue = 4 * kSecond;
  const auto check = CheckSelf(evidence);
  EXPECT_FALSE(check.valid);
  EXPECT_EQ(check.bottleneck, "cpu");
  EXPECT_THAT(check.reason, HasSubstr("90.0 % of the schedule"));
  EXPECT_THAT(check.reason, HasSubstr("ran 60 %"));
  evidence.machine_cpu = 0.98;
  evidence.cores = 2;
  evidence.cpu = 8 * kSecond;
  evidence.lag_p99 = 12 * kMillisecond;
  EXPECT_THAT(CheckSelf(evidence).reason,
              HasSubstr("this machine's CPU was the limit: 98 % of 2 cores, 40 % of them for loadgen;"));
  EXPECT_THAT(CheckSelf(evidence).reason, HasSubstr("lag p99 12.0 ms"));
}

TEST(SelfCheckTest, AClosedLoopAtFullCpuIsOnlyWarnedAbout) {
  const auto check = CheckSelf({.busiest = {.cpu = 99, .wall = 100}, .duration = kSecond});
  EXPECT_TRUE(check.valid);
  EXPECT_EQ(check.bottleneck, "cpu");
  EXPECT_NE(check.reason, "");
}

TEST(SelfCheckTest, ABlinkIsTooShortToAccuseTheCpu) {
  const CpuUse busy{.cpu = 40 * kMillisecond, .wall = 40 * kMillisecond};
  EXPECT_EQ(CheckSelf({.busiest = busy, .duration = 40 * kMillisecond}).bottleneck, "none");
}

TEST(SelfCheckTest, ASlowServerIsNotTheGeneratorsFault) {
  const auto check = CheckSelf(OpenLoop(0.3));
  EXPECT_TRUE(check.valid);
  EXPECT_EQ(check.bottleneck, "connections");
}

TEST(SelfCheckTest, AGeneratorThatStoodStillIsToBlame) {
  auto evidence = OpenLoop(0.5);
  evidence.worst_own_lag = 5 * kSecond;
  EXPECT_FALSE(CheckSelf(evidence).valid);
  EXPECT_EQ(CheckSelf(evidence).bottleneck, "paused");
  evidence.worst_own_lag = 50 * kMillisecond;
  EXPECT_TRUE(CheckSelf(evidence).valid);
}

TEST(SelfCheckTest, OurOwnExhaustionIsOurFault) {
  auto evidence = OpenLoop(0.5);
  evidence.out_of_ports = true;
  evidence.port_range = "32768 to 60999";
  EXPECT_EQ(CheckSelf(evidence).bottleneck, "ports");
  EXPECT_THAT(CheckSelf(evidence).reason, HasSubstr("local ports (32768 to 60999)"));
  EXPECT_FALSE(CheckSelf(evidence).valid);
  evidence = OpenLoop(0.5);
  evidence.out_of_descriptors = true;
  EXPECT_EQ(CheckSelf(evidence).bottleneck, "descriptors");
}

TEST(SelfCheckTest, RequestsThatNeverLeftThisMachineMakeAnyLoopInvalid) {
  SelfEvidence evidence{.never_left = 0.02, .duration = kSecond, .out_of_ports = true};
  EXPECT_FALSE(CheckSelf(evidence).valid);
  EXPECT_THAT(CheckSelf(evidence).reason, HasSubstr("2.0 % of it never left this machine"));
  evidence.never_left = 0.001;
  EXPECT_TRUE(CheckSelf(evidence).valid);
  EXPECT_EQ(CheckSelf(evidence).bottleneck, "ports");
}

TEST(SelfCheckTest, AStoppedProcessSaysSoInAClosedLoopToo) {
  SelfEvidence evidence{.busiest = {.wall = 8 * kSecond}, .duration = 8 * kSecond};
  evidence.longest_pause = kSecond;
  EXPECT_EQ(CheckSelf(evidence).bottleneck, "paused");
  EXPECT_THAT(CheckSelf(evidence).reason, HasSubstr("did not run for 1.000 s"));
  evidence.busiest.cpu = 8 * kSecond;
  EXPECT_EQ(CheckSelf(evidence).bottleneck, "cpu");
  EXPECT_THAT(CheckSelf(evidence).reason, HasSubstr("did not run for 1.000 s"))
      << "the one hides not the other";
  evidence = {.duration = 3600 * kSecond, .longest_pause = 2 * kSecond};
  EXPECT_EQ(CheckSelf(evidence).bottleneck, "paused") << "in an hour too";
}

TEST(SelfCheckTest, AFullMachineIsNoBottleneckOfNone) {
  SelfEvidence evidence{.duration = kSecond, .machine_cpu = 0.99, .cores = 2};
  EXPECT_EQ(CheckSelf(evidence).bottleneck, "machine");
  EXPECT_TRUE(CheckSelf(evidence).valid);
  evidence.open_loop = true;
  evidence.achieved = 0.5;
  EXPECT_TRUE(CheckSelf(evidence).valid) << "each request was sent as soon as there was a connection";
  evidence.worst_own_lag = 300 * kMillisecond;
  EXPECT_FALSE(CheckSelf(evidence).valid);
}

TEST(ThreadCpuUseTest, Grows) {
  const auto before = ThreadCpuUse();
  volatile unsigned spin = 0;
  while (ThreadCpuUse().cpu == before.cpu) spin = spin + 1;
  EXPECT_GT(ProcessCpu(), before.cpu);
}

}  // namespace
}  // namespace hydrapool::loadgen
