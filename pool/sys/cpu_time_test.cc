#include "pool/sys/cpu_time.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "pool/sys/child.h"

namespace hydrapool::sys {
namespace {

constexpr Nanos kWork = 30 * kMillisecond;

int Work() {
  while (CpuTime(::getpid()) < kWork) {
  }
  return 0;
}

TEST(CpuTimeTest, OfADeadChildIsKnownUntilItIsReaped) {
  Child child = Child::Fork(Work);
  const pid_t pid = child.pid();
  pollfd dead{child.pidfd(), POLLIN, 0};
  ASSERT_EQ(::poll(&dead, 1, 60'000), 1);
  const Nanos used = CpuTime(pid);
  EXPECT_GE(used, kWork);
  EXPECT_EQ(CpuTime(pid), used);
  ASSERT_TRUE(child.TryReap());
  EXPECT_EQ(CpuTime(pid), 0);
}

TEST(CpuTimeTest, OfNobodyIsNothing) {
  EXPECT_EQ(CpuTime(0), 0);
  EXPECT_EQ(CpuTime(-1), 0);
}

}  // namespace
}  // namespace hydrapool::sys
