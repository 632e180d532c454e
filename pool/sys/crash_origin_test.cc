#include "pool/sys/crash_origin.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "pool/sys/child.h"
#include "pool/sys/kill.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

class CrashOriginTest : public ::testing::Test {
 protected:
  /// A child that notes where its crash comes from, and then does this.
  Child Noting(const std::function<void()>& then) {
    noted_[0].from_outside = noted_[0].ready = false;
    Child child = Child::Fork([&] {
      sigset_t none;
      sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      NoteCrashesFromOutside(noted_[0].from_outside);
      noted_[0].ready = true;
      then();
      return 0;
    });
    while (!noted_[0].ready) ::sched_yield();
    return child;
  }
  static std::string EndOf(Child& child) {
    if (!test::WaitFor(child.pidfd(), POLLIN)) return "still alive";
    const auto status = child.TryReap();
    return status ? status->Describe() : "no status";
  }
  [[nodiscard]] bool from_outside() const { return noted_[0].from_outside; }

 private:
  struct Noted {
    std::atomic<bool> from_outside;
    std::atomic<bool> ready;
  };
  SharedArray<Noted> noted_{1};
};

void SleepForever() {
  for (;;) ::pause();
}

TEST_F(CrashOriginTest, ASignalThatAnotherProcessHasSentIsNotedAndEndsItAsItWould) {
  for (const int signal : {SIGABRT, SIGILL, SIGXCPU}) {
    Child child = Noting(SleepForever);
    ASSERT_EQ(sys::Kill(child.pid(), signal), 0);
    EXPECT_EQ(EndOf(child), SignalName(signal));
    EXPECT_TRUE(from_outside());
  }
}

TEST_F(CrashOriginTest, WhatItDoesItselfIsNot) {
  Child failed = Noting([] { ::abort(); });
  EXPECT_EQ(EndOf(failed), "SIGABRT");
  Child faulty = Noting([] { __builtin_trap(); });
  EXPECT_NE(EndOf(faulty), "exit_0");
  EXPECT_FALSE(from_outside());
}

TEST_F(CrashOriginTest, NothingIsNotedOfItsChildren) {
  Child child = Noting([] {
    Child own = Child::Fork([] {
      sigset_t none;
      sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      SleepForever();
      return 0;
    });
    sys::Kill(own.pid(), SIGABRT);
    if (EndOf(own) != "SIGABRT") ::_exit(1);
  });
  EXPECT_EQ(EndOf(child), "exit_0");
  EXPECT_FALSE(from_outside());
}

}  // namespace
}  // namespace hydrapool::sys
