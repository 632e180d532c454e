#include "harness/observe/observer.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "harness/fault/process_tree.h"
#include "harness/testing/family.h"
#include "pool/sys/kill.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kLongEnough = 20 * sys::kSecond;
constexpr sys::Nanos kNeverInATest = 3600 * sys::kSecond;
/// It looks when it is woken, and never of itself.
constexpr ObserverPace kOnlyWhenWoken{.calm_family = kNeverInATest};

bool Await(const std::function<bool()>& holds) {
  for (const sys::Nanos deadline = sys::Now() + kLongEnough; !holds(); ::sched_yield())
    if (sys::Now() > deadline) return false;
  return true;
}

/// A server of two workers that replaces each that ends, and one more when it gets SIGUSR1.
int Serve() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigaddset(&wanted, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  const auto start = [self = ::getpid()] {
    if (::fork() != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != self) ::_exit(0);
    SleepForEver();
  };
  start();
  start();
  for (;;) {
    int signal = 0;
    ::sigwait(&wanted, &signal);
    if (signal == SIGUSR1) start();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) start();
  }
}

struct ObserverTest : testing::Test {
  ObserverTest() : server(sys::Child::Fork(Serve)) { Children(2); }
  /// Those of the server, once it has so many.
  std::vector<pid_t> Children(std::size_t count) {
    EXPECT_TRUE(Await([&] { return ChildrenOf(server.pid()).size() == count; }));
    return ChildrenOf(server.pid());
  }
  static bool Shows(const FamilySample& sample, pid_t pid) {
    return std::ranges::find(sample.children, pid, &Identity::pid) != sample.children.end();
  }

  sys::Child server;
};

TEST_F(ObserverTest, SeesAChildEndAndItsSuccessorWithoutBeingTold) {
  Observer observer(server.pid(), "", kOnlyWhenWoken);
  const auto before = Children(2);
  sys::Kill(before.front(), SIGKILL);
  ASSERT_TRUE(Await([&] {
    const auto now = observer.Latest();
    return now.children.size() == 2 && !Shows(now, before.front());
  })) << "its end woke nobody, or it was not looked at again until its successor was there";
  const auto seen = observer.Stop();
  EXPECT_TRUE(Shows(seen.family.front(), before.front()));
  EXPECT_TRUE(Shows(seen.family.back(), before.back()));
  EXPECT_EQ(seen.family.back().children.size(), 2u);
}

TEST_F(ObserverTest, SeesAfterAStirWhatNoEndTells) {
  Observer observer(server.pid(), "", kOnlyWhenWoken);
  server.Signal(SIGUSR1);
  const auto children = Children(3);
  observer.Stir();
  ASSERT_TRUE(Await([&] { return observer.Latest().children.size() == 3; })) << "no stir has woken it";
  const auto seen = observer.Stop();
  EXPECT_EQ(seen.family.front().children.size(), 2u);
  for (const pid_t child : children) EXPECT_TRUE(Shows(seen.family.back(), child));
}

TEST_F(ObserverTest, SeesOfItselfWhatNothingTells) {
  Observer observer(server.pid(), "");
  server.Signal(SIGUSR1);
  Children(3);
  EXPECT_TRUE(Await([&] { return observer.Latest().children.size() == 3; }));
}

TEST_F(ObserverTest, DoesNotLookAgainOfItselfBeforeItsTime) {
  Observer observer(server.pid(), "", kOnlyWhenWoken);
  server.Signal(SIGUSR1);
  Children(3);
  EXPECT_EQ(observer.Latest().children.size(), 2u) << "then the tests above prove nothing";
}

TEST_F(ObserverTest, TakesOnlyWhatDiffersFromTheLookBefore) {
  Observer observer(server.pid(), "");
  for (int i = 0; i < 100; ++i) observer.Stir();
  const auto seen = observer.Stop();
  EXPECT_EQ(seen.family.size(), 1u);
}

TEST_F(ObserverTest, IsNotStoppedByTheEndOfTheServer) {
  Observer observer(server.pid(), "", kOnlyWhenWoken);
  server.Signal(SIGKILL);
  EXPECT_TRUE(Await([&] { return observer.Latest().children.empty(); })) << "its end woke nobody";
  EXPECT_TRUE(observer.Stop().family.back().children.empty());
}

}  // namespace
}  // namespace hydrapool::harness
