#include "loadgen/stats/target_counts.h"

#include <gtest/gtest.h>

#include <array>

namespace hydrapool::loadgen {
namespace {

TEST(TargetListTest, EachHasItsOwnCountsAndLatencies) {
  TargetList targets;
  for (int i = 0; i < 3; ++i) targets.Sent(0);
  targets.Sent(2);
  targets.Finished(0, Outcome::kOk, 100);
  targets.Finished(0, Outcome::kBadStatus, 7);
  targets.InFlight(0, 900);
  targets.Finished(2, Outcome::kRefused, 3);
  EXPECT_EQ(targets.of(0).sent, 3u);
  EXPECT_EQ(targets.of(0).completed, 2u);
  EXPECT_EQ(targets.of(0).ok, 1u);
  EXPECT_EQ(targets.of(0).errors.at(Outcome::kBadStatus), 1u);
  EXPECT_EQ(targets.of(0).response.count(), 3u);
  EXPECT_EQ(targets.of(0).not_ok_response.count(), 2u);
  EXPECT_EQ(targets.of(0).ended(), 2u);
  EXPECT_EQ(targets.of(1).sent, 0u);
  EXPECT_EQ(targets.of(2).completed, 0u);
  EXPECT_EQ(targets.of(99).sent, 0u);
}

TEST(TargetListTest, ManyUrlsDoNotCostAHistogramEach) {
  TargetList targets;
  for (std::size_t i = 0; i < 1000; ++i) targets.Finished(i, Outcome::kOk, 5);
  EXPECT_EQ(targets.of(999).ok, 1u);
  EXPECT_EQ(targets.of(TargetList::kMostTimed - 1).response.count(), 1u);
  EXPECT_EQ(targets.of(TargetList::kMostTimed).response.count(), 0u);
}

TEST(TargetListTest, EachHasItsOwnPhases) {
  TargetList targets;
  targets.Took(1, 2, 100);
  targets.Took(1, 2, 300);
  TargetList others;
  others.Took(1, 2, 500);
  targets.Merge(others);
  EXPECT_EQ(targets.of(1).phases[2].count, 3u);
  EXPECT_EQ(targets.of(1).phases[2].mean(), 300);
  EXPECT_EQ(targets.of(1).phases[2].max, 500);
  EXPECT_EQ(targets.of(0).phases[2].count, 0u);
  EXPECT_EQ(targets.of(1).phases[3].mean(), 0);
}

TEST(TargetListTest, RenumberedTheyAddUp) {
  TargetList targets;
  targets.Sent(0);
  targets.Sent(1);
  targets.Sent(1);
  targets.Renumber(std::array<std::size_t, 2>{3, 3});
  EXPECT_EQ(targets.of(0).sent, 0u);
  EXPECT_EQ(targets.of(3).sent, 3u);
}

TEST(TargetCutterTest, CutsWhatWasGainedSince) {
  TargetList targets;
  TargetCutter cutter;
  targets.Finished(0, Outcome::kOk, 10);
  EXPECT_TRUE(cutter.Cut(targets).empty()) << "one URL is the whole run";
  targets.Finished(1, Outcome::kTruncated, 20);
  targets.Took(1, 2, 500);
  ASSERT_EQ(cutter.Cut(targets).size(), 2u);
  EXPECT_TRUE(cutter.Cut(targets).empty());
  targets.Finished(1, Outcome::kOk, 30);
  targets.Took(1, 2, 25);
  const auto gained = cutter.Cut(targets);
  ASSERT_EQ(gained.size(), 2u);
  EXPECT_EQ(gained[0], TargetInterval{});
  EXPECT_EQ(gained[1].ok, 1u);
  EXPECT_EQ(gained[1].ended(), 1u);
  EXPECT_EQ(gained[1].response.Unpack().max(), 30);
  EXPECT_EQ(gained[1].phases[2], (PhaseSum{.count = 1, .sum = 25}));
  EXPECT_EQ(gained[1].phases[0], PhaseSum{});
}

TEST(TargetCutterTest, BehindTheFirstAllOthersAreTogether) {
  TargetList targets;
  TargetCutter cutter;
  for (std::size_t i = 0; i < 100; ++i) {
    targets.Sent(i);
    targets.Finished(i, i % 2 == 0 ? Outcome::kOk : Outcome::kRefused, 10);
  }
  const auto first = cutter.Cut(targets);
  ASSERT_EQ(first.size(), TargetCutter::kOthers + 1);
  EXPECT_EQ(first[TargetCutter::kOthers - 1].sent, 1u);
  EXPECT_EQ(first[TargetCutter::kOthers],
            (TargetInterval{.sent = 68, .completed = 34, .ok = 34, .errors = {{Outcome::kRefused, 34}}}));
  targets.Finished(99, Outcome::kTruncated, 10);
  const auto second = cutter.Cut(targets);
  ASSERT_EQ(second.size(), TargetCutter::kOthers + 1);
  EXPECT_EQ(second[TargetCutter::kOthers], (TargetInterval{.errors = {{Outcome::kTruncated, 1}}}));
}

}  // namespace
}  // namespace hydrapool::loadgen
