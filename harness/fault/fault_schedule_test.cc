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

TEST(FaultScheduleTest, PoissonTimesHaveTheirMeanAndSpreadAndTheDrawsOfSteadyOnes) {
  constexpr sys::Nanos kEvery = 10 * sys::kMillisecond;
  const auto faults = All({.every = kEvery, .trigger = {.pace = Pace::kPoisson}, .count = 4000});
  const auto steady = All({.every = kEvery, .count = 4000});
  double sum = 0;
  double squares = 0;
  sys::Nanos before = 0;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    EXPECT_EQ(faults[i].draw, steady[i].draw);
    EXPECT_GE(faults[i].at, before);
    const double gap = static_cast<double>(faults[i].at - before) / kEvery;
    before = faults[i].at;
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / 4000;
  EXPECT_NEAR(mean, 1, 0.05);
  EXPECT_NEAR(squares / 4000 - mean * mean, 1, 0.15)
      << "the variance of exponential gaps is the mean's square";
}

TEST(FaultScheduleTest, PoissonTimesEndWithTheDuration) {
  const auto faults =
      All({.every = 1000, .trigger = {.pace = Pace::kPoisson}, .duration = sys::kMillisecond});
  ASSERT_FALSE(faults.empty());
  EXPECT_LE(faults.back().at, sys::kMillisecond);
}

TEST(FaultScheduleTest, ByRequestsEachIsDueAfterAMultiple) {
  const auto faults = All({.trigger = {.requests = 500, .phase = Phase::kReading}, .count = 2, .seed = 5489});
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[1].requests, 1000u);
  EXPECT_EQ(ToJson(faults[0]),
            R"({"id":1,"at_ns":0,"fault":"kill","target":"random","draw":14514284786278117030,)"
            R"("requests":500,"phase":"reading"})");
}

}  // namespace
}  // namespace hydrapool::harness
