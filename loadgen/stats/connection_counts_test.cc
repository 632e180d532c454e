#include "loadgen/stats/connection_counts.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;

TEST(ConnectionCountsTest, WhatLivedShorterThanTheTimerIsNotAsked) {
  static_assert(!ConnectionCounts::MayHaveSentAgain(0));
  static_assert(!ConnectionCounts::MayHaveSentAgain(200 * kMillisecond - 1));
  static_assert(ConnectionCounts::MayHaveSentAgain(200 * kMillisecond));
  ConnectionCounts counts;
  const sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(80), .sin_addr = {}, .sin_zero = {}};
  counts.addresses.Connected(counts.Opened(reinterpret_cast<const sockaddr*>(&address), sizeof address));
  counts.Ended(-1, 0, 10 * kMillisecond);
  counts.Ended(-1, 0, sys::kSecond);
  ConnectionCounts expected{.opened = 1};
  expected.addresses.Add({.address = "0.0.0.0:80", .tried = 1, .connected = 1});
  EXPECT_EQ(counts, expected) << "no socket: nothing sent again";
}

TEST(ConnectionCountsTest, Merge) {
  ConnectionCounts counts{.opened = 10, .sent_again = 1, .retransmits = 3};
  counts.Merge({.opened = 5, .sent_again = 2, .retransmits = 2});
  EXPECT_EQ(counts, (ConnectionCounts{.opened = 15, .sent_again = 3, .retransmits = 5}));
}

}  // namespace
}  // namespace hydrapool::loadgen
