#include "pool/sys/signals.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "pool/sys/child.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

struct sigaction ActionOf(int signal) {
  struct sigaction action;
  ::sigaction(signal, nullptr, &action);
  return action;
}

TEST(SignalEventsTest, ASignalIsCalledBackInTheLoopNotInTheHandler) {
  EventLoop loop;
  std::vector<int> seen;
  const SignalEvents signals(loop, {SIGUSR1, SIGUSR2}, [&](int signal) { seen.push_back(signal); });
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  EXPECT_TRUE(seen.empty());
  loop.RunOnce(0);
  EXPECT_EQ(seen, (std::vector{SIGUSR2, SIGUSR1}));
}

TEST(SignalEventsTest, TheSameSignalSeveralTimesBeforeTheLoopLooksIsReportedOnce) {
  EventLoop loop;
  int calls = 0;
  const SignalEvents signals(loop, {SIGUSR1}, [&](int) { ++calls; });
  for (int i = 0; i < 5; ++i) ::raise(SIGUSR1);
  while (loop.RunOnce(0)) {
  }
  EXPECT_EQ(calls, 1);
}

TEST(SignalEventsTest, AFloodThatFillsThePipeNeitherBlocksNorGetsLost) {
  EventLoop loop;
  int calls = 0;
  const SignalEvents signals(loop, {SIGUSR1}, [&](int) { ++calls; });
  for (int i = 0; i < 70'000; ++i) ::raise(SIGUSR1);  // a pipe holds 65536
  while (loop.RunOnce(0)) {
  }
  EXPECT_GE(calls, 1);
}

TEST(SignalEventsTest, AFloodOfOneSignalDoesNotHideAnother) {
  EventLoop loop;
  bool told_to_end = false;
  const SignalEvents signals(loop, {SIGUSR1, SIGTERM}, [&](int signal) { told_to_end |= signal == SIGTERM; });
  for (int i = 0; i < 70'000; ++i) ::raise(SIGUSR1);  // a pipe holds 65536
  ::raise(SIGTERM);
  while (loop.RunOnce(0)) {
  }
  EXPECT_TRUE(told_to_end);
}

TEST(SignalEventsTest, ASignalThatComesWhileItIsCalledBackIsCalledBackAgain) {
  EventLoop loop;
  int calls = 0;
  const SignalEvents signals(loop, {SIGUSR1}, [&](int) {
    if (++calls == 1) ::raise(SIGUSR1);
  });
  ::raise(SIGUSR1);
  while (loop.RunOnce(0)) {
  }
  EXPECT_EQ(calls, 2);
}

TEST(SignalEventsTest, TheHandlerKeepsErrno) {
  EventLoop loop;
  const SignalEvents signals(loop, {SIGUSR1}, [](int) {});
  for (int i = 0; i < 1'000; ++i) {
    errno = EDOM;
    ::raise(SIGUSR1);
    ASSERT_EQ(errno, EDOM);
  }
}

TEST(SignalEventsTest, WhatWasInstalledBeforeIsRestored) {
  ::signal(SIGUSR1, SIG_IGN);
  {
    EventLoop loop;
    const SignalEvents signals(loop, {SIGUSR1}, [](int) {});
    EXPECT_NE(ActionOf(SIGUSR1).sa_handler, SIG_IGN);
  }
  EXPECT_EQ(ActionOf(SIGUSR1).sa_handler, SIG_IGN);
  ::signal(SIGUSR1, SIG_DFL);
}

TEST(SignalEventsTest, OneCanFollowAnother) {
  for (int i = 0; i < 3; ++i) {
    EventLoop loop;
    int calls = 0;
    const SignalEvents signals(loop, {SIGUSR1}, [&](int) { ++calls; });
    ::raise(SIGUSR1);
    loop.RunOnce(0);
    EXPECT_EQ(calls, 1);
  }
}

TEST(SignalEventsDeathTest, TwoAtATimeAreABug) {
  EventLoop loop;
  const SignalEvents signals(loop, {SIGUSR1}, [](int) {});
  EXPECT_DEATH(SignalEvents(loop, {SIGUSR2}, [](int) {}), "");
}

TEST(SignalEventsTest, TheEarliestChildStampIsKeptUntilItIsTaken) {
  EventLoop loop;
  const SignalEvents signals(loop, {SIGCHLD}, [](int) {});
  (void)SignalEvents::TakeChildStamp();
  const Nanos before = Now();
  ::raise(SIGCHLD);
  const Nanos between = Now();
  ::raise(SIGCHLD);
  const Nanos stamp = SignalEvents::TakeChildStamp();
  EXPECT_GE(stamp, before);
  EXPECT_LE(stamp, between);
  EXPECT_EQ(SignalEvents::TakeChildStamp(), 0);
}

TEST(SignalEventsTest, OtherSignalsLeaveNoChildStamp) {
  EventLoop loop;
  const SignalEvents signals(loop, {SIGUSR1, SIGCHLD}, [](int) {});
  (void)SignalEvents::TakeChildStamp();
  ::raise(SIGUSR1);
  EXPECT_EQ(SignalEvents::TakeChildStamp(), 0);
}

TEST(SignalEventsTest, AChildThatForgetsHasDefaultDispositionsAndTouchesNotItsParentsPipe) {
  EventLoop loop;
  int calls = 0;
  const SignalEvents signals(loop, {SIGUSR1}, [&](int) { ++calls; });
  Child child = Child::Fork([] {  // forks with all signals blocked, and forgets
    if (ActionOf(SIGUSR1).sa_handler != SIG_DFL) return 1;
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::raise(SIGUSR1);  // must kill by its default
    return 2;
  });
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  const auto status = child.TryReap();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->Describe(), "SIGUSR1");
  EXPECT_FALSE(loop.RunOnce(0));
  EXPECT_EQ(calls, 0);
}

TEST(SignalEventsTest, AChildMayHaveItsOwn) {
  EventLoop loop;
  const SignalEvents signals(loop, {SIGUSR1}, [](int) {});
  Child child = Child::Fork([] {
    EventLoop own;
    int calls = 0;
    const SignalEvents mine(own, {SIGUSR1}, [&](int) { ++calls; });
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::raise(SIGUSR1);
    own.RunOnce(0);
    return calls;
  });
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  EXPECT_EQ(child.TryReap()->Describe(), "exit_1");
  EXPECT_FALSE(loop.RunOnce(0));
}

TEST(BlockAllSignalsTest, BlocksAndRestoresTheMaskItFound) {
  sigset_t mask;
  {
    const BlockAllSignals blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGTERM), 1);
    EXPECT_EQ(sigismember(&mask, SIGCHLD), 1);
  }
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

}  // namespace
}  // namespace hydrapool::sys
