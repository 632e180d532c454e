#include "loadgen/stats/kernel_counters.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using sys::kSecond;

constexpr const char* kSnmp =
    "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoAlgorithm RetransSegs InErrs\nTcp: 1 42 0\n";
constexpr const char* kNetstat =
    "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 7 9\nIpExt: A\nIpExt: 1\n";
constexpr const char* kStat = "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n";

TEST(KernelCountersTest, AreReadByName) {
  const auto counters = ParseKernelCounters(kSnmp, kNetstat, kStat, 100);
  EXPECT_EQ(counters.retransmits, 42u);
  EXPECT_EQ(counters.accept_overflows, 7u);
  EXPECT_EQ(counters.syn_drops, 2u);
  EXPECT_EQ(counters.machine_busy, 3 * kSecond / 2);
  EXPECT_EQ(counters.machine_all, 10 * kSecond);
  EXPECT_DOUBLE_EQ(counters.busy_share(), 0.15);
}

TEST(KernelCountersTest, WhatIsNotThereIsZero) {
  const auto counters = ParseKernelCounters("", "TcpExt: A\n", "", 100);
  EXPECT_EQ(counters.retransmits, 0u);
  EXPECT_EQ(counters.accept_overflows, 0u);
  EXPECT_EQ(counters.busy_share(), 0);
}

TEST(KernelCountersTest, TheDifferenceIsWhatWentOn) {
  const KernelCounters before{.retransmits = 40, .machine_busy = kSecond, .machine_all = 4 * kSecond};
  const auto since = ParseKernelCounters(kSnmp, kNetstat, kStat, 100).Since(before);
  EXPECT_EQ(since.retransmits, 2u);
  EXPECT_EQ(since.machine_all, 6 * kSecond);
}

TEST(KernelCountersTest, ThisMachineCounts) { EXPECT_GT(ReadKernelCounters().machine_all, 0); }

}  // namespace
}  // namespace hydrapool::loadgen
