#include "metrics/fairness.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "metrics/shares.h"

namespace hydrapool::metrics {
namespace {

TEST(MaxOverMeanTest, IsOneWhereAllHaveTheSameAndNWhereOneHasAll) {
  EXPECT_DOUBLE_EQ(MaxOverMean(std::array{5.0, 5.0, 5.0}), 1.0);
  EXPECT_DOUBLE_EQ(MaxOverMean(std::array{0.0, 7.0, 0.0, 0.0}), 4.0);
  EXPECT_DOUBLE_EQ(MaxOverMean(std::array{1.0, 2.0, 3.0}), 1.5);
}

TEST(MaxOverMeanTest, IsOneWhereNothingWasSharedOut) {
  EXPECT_DOUBLE_EQ(MaxOverMean({}), 1.0);
  EXPECT_DOUBLE_EQ(MaxOverMean(std::array{0.0, 0.0}), 1.0);
}

TEST(JainIndexTest, RunsFromOneOverNToOne) {
  EXPECT_DOUBLE_EQ(JainIndex(std::array{3.0, 3.0}), 1.0);
  EXPECT_DOUBLE_EQ(JainIndex(std::array{0.0, 9.0, 0.0, 0.0}), 0.25);
  EXPECT_DOUBLE_EQ(JainIndex(std::array{1.0, 2.0, 3.0}), 36.0 / 42.0);
  EXPECT_DOUBLE_EQ(JainIndex(std::array{0.0, 0.0}), 1.0);
}

TEST(SharesTest, AreThoseOfTheSlots) {
  const hydrapool::Scoreboard board(2);
  board.slot(0).connections_leased.Add(3);
  board.slot(1).replies[2].Add(4);
  board.slot(1).replies[0].Add(1);
  board.slot(1).busy_nanos.Add(1'500'000'000);
  const Shares shares(board);
  EXPECT_EQ(shares.connections, (std::vector{3.0, 0.0}));
  EXPECT_EQ(shares.requests, (std::vector{0.0, 5.0}));
  EXPECT_EQ(shares.busy, (std::vector{0.0, 1.5}));
}

}  // namespace
}  // namespace hydrapool::metrics
