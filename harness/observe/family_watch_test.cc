#include "harness/observe/family_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "harness/testing/family.h"
#include "pool/sys/await.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

constexpr std::chrono::seconds kLongEnough(20);

/// The children of this process.
struct FamilyWatchTest : testing::Test {
  FamilySample Look() { return watch.Look(::getpid(), ::getpid()); }
  bool Shows(pid_t pid) {
    const FamilySample sample = Look();
    return std::ranges::find(sample.children, pid, &Identity::pid) != sample.children.end();
  }
  static void End(const sys::Child& child) {
    child.Signal(SIGKILL);
    ASSERT_TRUE(sys::Await(child.pidfd(), POLLIN, kLongEnough));
  }

  FamilyWatch watch;
  Bell bell;
};

TEST_F(FamilyWatchTest, AnEndWakesItOnce) {
  const auto child = sys::Child::Fork(SleepForEver);
  ASSERT_TRUE(Shows(child.pid()));
  End(child);
  EXPECT_EQ(watch.Await(bell, sys::kSecond).ended, std::vector{child.pid()});
  EXPECT_TRUE(Shows(child.pid())) << "it is not reaped";
  EXPECT_TRUE(watch.has_dead());
  EXPECT_TRUE(watch.Await(bell, 0).ended.empty());
}

TEST_F(FamilyWatchTest, WhoLivesIsKnownWithoutALook) {
  const auto child = sys::Child::Fork(SleepForEver);
  const auto other = sys::Child::Fork(SleepForEver);
  const auto lives = [this](const sys::Child& who) {
    const auto living = watch.Living();
    return std::ranges::find(living, who.pid(), &Identity::pid) != living.end();
  };
  ASSERT_TRUE(Shows(child.pid()));
  EXPECT_TRUE(lives(child) && lives(other));
  EXPECT_FALSE(watch.HasNews());
  End(child);
  EXPECT_TRUE(watch.HasNews()) << "so that nobody takes it for living before it has been told";
  static_cast<void>(watch.Await(bell, sys::kSecond));
  EXPECT_FALSE(watch.HasNews());
  EXPECT_FALSE(lives(child));
  watch.Disregard(other.pid());
  EXPECT_FALSE(lives(other)) << "nobody would hear of its end";
  watch.Regard(other.pid());
  EXPECT_TRUE(lives(other));
  End(other);
  EXPECT_EQ(watch.Await(bell, sys::kSecond).ended, std::vector{other.pid()});
}

TEST_F(FamilyWatchTest, TheMainProcessIsKnownToLiveToo) {
  const auto main = sys::Child::Fork(SleepForEver);
  ASSERT_TRUE(watch.Look(main.pid(), main.pid()).children.empty());
  ASSERT_EQ(watch.Living().size(), 1u);
  EXPECT_EQ(watch.Living()[0].pid, main.pid());
  EXPECT_NE(watch.Living()[0].start_time, 0u);
  End(main);
  EXPECT_TRUE(watch.HasNews());
  EXPECT_EQ(watch.Await(bell, sys::kSecond).ended, std::vector{main.pid()});
  EXPECT_TRUE(watch.Living().empty());
  EXPECT_TRUE((static_cast<void>(watch.Look(main.pid(), main.pid())), watch.Living().empty()));
}

TEST_F(FamilyWatchTest, WhoIsDisregardedWakesNobodyAndIsSeenToBeDead) {
  const auto other = sys::Child::Fork(SleepForEver);
  auto child = sys::Child::Fork(SleepForEver);
  ASSERT_TRUE(Shows(child.pid()));
  watch.Disregard(child.pid());
  EXPECT_FALSE((Look(), watch.has_dead()));
  End(child);
  EXPECT_TRUE(watch.Await(bell, 0).ended.empty());
  EXPECT_TRUE(Shows(child.pid()));
  EXPECT_TRUE(watch.has_dead());
  child.TryReap();
  EXPECT_FALSE(Shows(child.pid()));
  EXPECT_EQ(watch.living(), 1u);
}

TEST_F(FamilyWatchTest, SeesTheChildrenOfAThreadThatWasStartedLater) {
  ASSERT_TRUE(Look().children.empty());
  sys::Child child;
  std::jthread thread([&child](const std::stop_token& stop) {
    child = sys::Child::Fork(SleepForEver);
    while (!stop.stop_requested()) ::sched_yield();
  });
  const sys::Nanos deadline = sys::Now() + sys::ToNanos(kLongEnough);
  while (Look().children.empty() && sys::Now() < deadline) ::sched_yield();
  EXPECT_EQ(watch.living(), 1u);
}

}  // namespace
}  // namespace hydrapool::harness
