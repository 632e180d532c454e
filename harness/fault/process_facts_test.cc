#include "harness/fault/process_facts.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>

#include "pool/sys/await.h"
#include "pool/sys/child.h"
#include "pool/sys/clock.h"

namespace hydrapool::harness {
namespace {

TEST(SignalSetsTest, AreReadFromStatus) {
  const auto sets = ParseSignalSets(
      "Name:\tx\nSigQ:\t0/"
      "7\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000004000\nSigBlk:\t0000000000000200\n"
      "SigIgn:\t0000000000001000\nSigCgt:\t00000001800104e0\nCapInh:\t0\n");
  ASSERT_TRUE(sets);
  EXPECT_EQ(*sets,
            (SignalSets{.pending = 0x4001, .blocked = 0x200, .ignored = 0x1000, .caught = 0x1800104e0}));
  EXPECT_TRUE(Holds(sets->pending, 15));
  EXPECT_FALSE(Holds(sets->pending, 14));
  EXPECT_FALSE(ParseSignalSets("Name:\tx\n"));
  EXPECT_FALSE(ParseSignalSets(""));
}

TEST(ProcessFactsTest, OfThisProcess) {
  EXPECT_TRUE(ReadSignalSets(::getpid()));
  EXPECT_GE(FirstFreeDescriptor(::getpid()).value(), 3u);
  EXPECT_GT(AddressSpaceOf(::getpid()).value(), 1u << 20);
  EXPECT_GE(LastCoreOf(::getpid()).value(), 0);
  EXPECT_GT(CpuTimeOf(::getpid()).value(), 0);
  EXPECT_GE(CpuTimeOfAll(::getpid()).value(), 0);
  const auto limit = LimitOf(::getpid(), RLIMIT_NOFILE);
  ASSERT_TRUE(limit);
  EXPECT_TRUE(SetLimit(::getpid(), RLIMIT_NOFILE, *limit));
}

TEST(ProcessFactsTest, OfOneThatHasEnded) {
  const auto child = sys::Child::Fork([] {
    const sys::Nanos until = CpuTimeOf(::getpid()).value() + 30 * sys::kMillisecond;
    while (CpuTimeOf(::getpid()).value() < until) {
    }
    return 7;
  });
  ASSERT_TRUE(sys::Await(child.pidfd(), POLLIN, std::chrono::seconds(20)));
  EXPECT_EQ(WaitStatusOf(child.pid()), 7 << 8);
  EXPECT_GE(CpuTimeOfAll(child.pid()).value(), 20 * sys::kMillisecond);
}

TEST(ProcessFactsTest, OfNobody) {
  constexpr pid_t kNobody = 4194999;
  EXPECT_FALSE(ReadSignalSets(kNobody));
  EXPECT_FALSE(FirstFreeDescriptor(kNobody));
  EXPECT_FALSE(AddressSpaceOf(kNobody));
  EXPECT_FALSE(LastCoreOf(kNobody));
  EXPECT_FALSE(CpuTimeOf(kNobody));
  EXPECT_FALSE(CpuTimeOfAll(kNobody));
  EXPECT_FALSE(WaitStatusOf(kNobody));
  EXPECT_FALSE(LimitOf(kNobody, RLIMIT_NOFILE));
}

}  // namespace
}  // namespace hydrapool::harness
