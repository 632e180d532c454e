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

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kLongEnough = 20 * sys::kSecond;

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
  Observer observer(server.pid(), "");
  const pid_t victim = Children(2).front();
  ::kill(victim, SIGKILL);
  ASSERT_TRUE(Await([&] {
    const auto now = ChildrenOf(server.pid());
    return now.size() == 2 && std::ranges::find(now, victim) == now.end();
  }));
  const auto seen = observer.Stop();
  EXPECT_TRUE(Shows(seen.family.front(), victim));
  EXPECT_FALSE(Shows(seen.family.back(), victim));
  EXPECT_EQ(seen.family.back().children.size(), 2u);
}

TEST_F(ObserverTest, SeesAChildThatIsAdded) {
  Observer observer(server.pid(), "");
  observer.Stir();
  server.Signal(SIGUSR1);
  const auto children = Children(3);
  const auto seen = observer.Stop();
  EXPECT_EQ(seen.family.front().children.size(), 2u);
  ASSERT_EQ(seen.family.back().children.size(), 3u);
  for (const pid_t child : children) EXPECT_TRUE(Shows(seen.family.back(), child));
}

TEST_F(ObserverTest, TakesOnlyWhatDiffersFromTheLookBefore) {
  Observer observer(server.pid(), "");
  for (int i = 0; i < 100; ++i) observer.Stir();
  const auto seen = observer.Stop();
  EXPECT_EQ(seen.family.size(), 1u);
}

TEST_F(ObserverTest, IsNotStoppedByTheEndOfTheServer) {
  Observer observer(server.pid(), "");
  server.Signal(SIGKILL);
  ASSERT_TRUE(Await([this] { return ChildrenOf(server.pid()).empty(); }));
  EXPECT_TRUE(observer.Stop().family.back().children.empty());
}

}  // namespace
}  // namespace hydrapool::harness
