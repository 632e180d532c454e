#include "loadgen/stats/connection_counts.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;

TEST(ConnectionCountsTest, WhatLivedShorterThanTheTimerIsNotAsked) {
  static_assert(!ConnectionCounts::MayHaveSentAgain(0));
  static_assert(!ConnectionCounts::MayHaveSentAgain(200 * kMillisecond - 1));
  static_assert(ConnectionCounts::MayHaveSentAgain(200 * kMillisecond));
  ConnectionCounts counts;
  counts.Opened();
  counts.Ended(-1, 0, 10 * kMillisecond);
  counts.Ended(-1, 0, sys::kSecond);
  EXPECT_EQ(counts, ConnectionCounts{.opened = 1}) << "no socket: nothing sent again";
}

TEST(ConnectionCountsTest, Merge) {
  ConnectionCounts counts{.opened = 10, .sent_again = 1, .retransmits = 3};
  counts.Merge({.opened = 5, .sent_again = 2, .retransmits = 2});
  EXPECT_EQ(counts, (ConnectionCounts{.opened = 15, .sent_again = 3, .retransmits = 5}));
}

}  // namespace
}  // namespace hydrapool::loadgen
