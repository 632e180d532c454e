#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "harness/fault/injector.h"
#include "harness/fault/process_tree.h"
#include "harness/testing/family.h"
#include "pool/sys/child.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// An injector of its own process, which has done a fault to a sleeper and is then killed.
struct KilledInjector : testing::Test {
  void SetUp() override {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    sys::Check(::pipe(told.data()), "pipe");
    victim = sys::Child::Fork(SleepForEver);
    identity = ReadProcess(victim.pid())->identity;
  }
  void TearDown() override {
    for (const int end : told) ::close(end);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  /// `fault` is done; then the injector gets SIGKILL. Returns when its guard has ended.
  void KillWhile(Fault fault, const Harm& harm = {}) {
    KillAfter([&](Injector& hurting) {
      const auto blow = hurting.Strike(identity, fault, harm);
      return blow && AwaitHold(*blow);
    });
  }
  void KillAfter(const std::function<bool(Injector&)>& is_done) {
    const pid_t parent = ::getpid();
    auto injector = sys::Child::Fork([&]() -> int {
      Injector hurting(parent);
      hurting.StartGuard();
      if (!is_done(hurting)) return 1;
      const pid_t guard = hurting.guard_pid();
      sys::Check(::write(told[1], &guard, sizeof guard), "write");
      return SleepForEver();
    });
    pid_t guard = 0;
    ASSERT_EQ(::read(told[0], &guard, sizeof guard), static_cast<ssize_t>(sizeof guard));
    injector.Signal(SIGKILL);
    ASSERT_TRUE(Ends(guard)) << "the guard lives on";
    ::waitpid(guard, nullptr, 0);
  }
  static bool Ends(pid_t pid) {
    const auto pidfd = sys::OpenPidfd(pid);
    pollfd waited{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&waited, 1, 20'000) == 1;
  }
  static bool AwaitHold(const Blow& blow) {
    while (Injector::Holds(blow) != true) ::sched_yield();
    return true;
  }

  std::array<int, 2> told{};
  sys::Child victim;
  Identity identity;
};

}  // namespace hydrapool::harness
