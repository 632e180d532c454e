#include "harness/fault/fault_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hydrapool::harness {
namespace {

std::vector<PlannedFault> All(const ScheduleSpec& spec) {
  std::vector<PlannedFault> faults;
  FaultSchedule schedule(spec);
  while (auto fault = schedule.Next()) faults.push_back(*fault);
  return faults;
}

std::string Bytes(const ScheduleSpec& spec) {
  std::string bytes;
  for (const auto& fault : All(spec)) bytes += ToJson(fault) + "\n";
  return bytes;
}

TEST(FaultScheduleTest, SameSeedGivesTheSameBytes) {
  const ScheduleSpec spec{.jitter = 0.8, .count = 500, .seed = 7};
  EXPECT_EQ(Bytes(spec), Bytes(spec));
}

TEST(FaultScheduleTest, AnotherSeedGivesOtherBytes) {
  EXPECT_NE(Bytes({.count = 10, .seed = 7}), Bytes({.count = 10, .seed = 8}));
}

TEST(FaultScheduleTest, TheBytesAreTheSameOnEveryMachine) {
  EXPECT_EQ(Bytes({.every = 250 * sys::kMillisecond, .count = 1, .seed = 5489}),
            R"({"id":1,"at_ns":250000000,"fault":"kill","target":"random","draw":14514284786278117030})"
            "\n");
}

TEST(FaultScheduleTest, FaultsComeAtMultiplesOfThePeriod) {
  const auto faults = All({.every = 100, .count = 3});
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0].at, 100);
  EXPECT_EQ(faults[1].at, 200);
  EXPECT_EQ(faults[2].at, 300);
}

TEST(FaultScheduleTest, TheDurationEndsItInclusively) {
  EXPECT_EQ(All({.every = 250 * sys::kMillisecond, .duration = sys::kSecond}).size(), 4u);
  EXPECT_EQ(All({.every = 250 * sys::kMillisecond, .count = 3, .duration = sys::kSecond}).size(), 3u);
}

TEST(FaultScheduleTest, JitterMovesTimesWithinItsPartAndLeavesDrawsAlone) {
  const auto steady = All({.every = 1000, .count = 200});
  const auto moved = All({.every = 1000, .jitter = 0.5, .count = 200});
  bool any_moved = false;
  for (std::size_t i = 0; i < steady.size(); ++i) {
    EXPECT_EQ(steady[i].draw, moved[i].draw);
    EXPECT_LE(std::abs(steady[i].at - moved[i].at), 250);
    any_moved |= steady[i].at != moved[i].at;
  }
  EXPECT_TRUE(any_moved);
}

}  // namespace
}  // namespace hydrapool::harness
