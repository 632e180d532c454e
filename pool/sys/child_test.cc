#include "pool/sys/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>

#include "pool/sys/kill.h"
#include "pool/sys/signals.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

std::string EndOf(Child& child) {
  if (!test::WaitFor(child.pidfd(), POLLIN)) return "still alive";
  const auto status = child.TryReap();
  return status ? status->Describe() : "no status";
}

int SleepForever() {
  for (;;) ::pause();
}

TEST(ChildTest, ItsExitCodeIsWhatItsBodyReturned) {
  for (const int code : {0, 3, 255}) {
    Child child = Child::Fork([code] { return code; });
    EXPECT_EQ(EndOf(child), "exit_" + std::to_string(code));
    EXPECT_FALSE(child);
  }
}

TEST(ChildTest, ASignalThatKilledItIsItsStatus) {
  for (const int signal : {SIGKILL, SIGABRT}) {
    Child child = Child::Fork([signal] {
      sigset_t none;
      sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      ::raise(signal);
      return 0;
    });
    EXPECT_EQ(EndOf(child), SignalName(signal));
  }
}

TEST(ChildTest, SignalsAreBlockedUntilTheBodyUnblocksThem) {
  Child child = Child::Fork([] {
    ::raise(SIGTERM);
    return 5;
  });
  EXPECT_EQ(EndOf(child), "exit_5");
}

TEST(ChildTest, AnExceptionEndsItWithCode70AndOneLine) {
  std::array<int, 2> ends;
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  Child child = Child::Fork([&]() -> int {
    ::dup2(write_end.get(), STDERR_FILENO);
    throw std::runtime_error("no luck");
  });
  write_end.Reset();
  EXPECT_EQ(EndOf(child), "exit_70");
  std::array<char, 256> text;
  const ssize_t count = ::read(read_end.get(), text.data(), text.size());
  ASSERT_GT(count, 0);
  const std::string line(text.data(), static_cast<std::size_t>(count));
  EXPECT_NE(line.find("no luck\n"), line.npos);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(ChildTest, TryReapDoesNotBlock) {
  Child child = Child::Fork(SleepForever);
  EXPECT_EQ(child.TryReap(), std::nullopt);
  EXPECT_TRUE(child);
  child.Signal(SIGKILL);
  EXPECT_EQ(EndOf(child), "SIGKILL");
  EXPECT_EQ(child.TryReap(), std::nullopt);
}

TEST(ChildTest, DestroyingKillsAndReaps) {
  pid_t pid;
  {
    const Child child = Child::Fork(SleepForever);
    pid = child.pid();
  }
  EXPECT_EQ(sys::Kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(ChildTest, AssigningReapsTheOneBefore) {
  Child child = Child::Fork(SleepForever);
  const pid_t first = child.pid();
  child = Child::Fork([] { return 4; });
  EXPECT_EQ(sys::Kill(first, 0), -1);
  EXPECT_EQ(EndOf(child), "exit_4");
}

TEST(ChildTest, AMovedOneIsEmptyAndItsOwnerHasTheProcess) {
  Child first = Child::Fork(SleepForever);
  const pid_t pid = first.pid();
  Child second = std::move(first);
  EXPECT_FALSE(first);
  first.Signal(SIGKILL);  // no effect
  EXPECT_EQ(second.TryReap(), std::nullopt);
  EXPECT_EQ(second.pid(), pid);
}

// A debugger that is busy with something else: it does not reap what it traces.
TEST(ChildTest, OneThatIsTracedIsReapedAtItsDeathAndItsZombieLater) {
  for (const bool dropped : {false, true}) {
    Child child = Child::Fork(SleepForever);
    const pid_t pid = child.pid();
    std::array<int, 2> told;
    ASSERT_EQ(::pipe2(told.data(), O_CLOEXEC), 0);
    Child tracer = Child::Fork([&] {
      const char traces = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0 ? 'y' : 'n';
      EXPECT_EQ(::write(told[1], &traces, 1), 1);
      return SleepForever();
    });
    char traces = 'n';
    ASSERT_EQ(::read(told[0], &traces, 1), 1);
    for (const int end : told) ::close(end);
    if (traces == 'n') GTEST_SKIP() << "may not trace";
    EXPECT_EQ(child.TryReap(), std::nullopt);
    child.Signal(SIGKILL);
    if (dropped) {
      child = Child();
    } else {
      EXPECT_EQ(EndOf(child), "SIGKILL");
    }
    EXPECT_EQ(sys::Kill(pid, 0), 0) << "the zombie is there until its tracer lets it go";
    tracer = Child();
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED), 0);
    EXPECT_EQ(info.si_pid, pid);
  }
}

TEST(ChildTest, WhatStdioHoldsIsNotWrittenTwice) {
  Child child = Child::Fork([] {
    std::printf("in the child: never flushed");
    return 0;
  });
  EXPECT_EQ(EndOf(child), "exit_0");
}

TEST(SignalNameTest, NamesWhatHasOneAndNumbersTheRest) {
  EXPECT_EQ(SignalName(SIGKILL), "SIGKILL");
  EXPECT_EQ(SignalName(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(SignalName(64), "SIG64");
}

TEST(PidfdTest, IsEmptyForNoProcessAndSignalsWhatIsThere) {
  EXPECT_FALSE(OpenPidfd(0x3fffffff));
  Child child = Child::Fork(SleepForever);
  const UniqueFd pidfd = OpenPidfd(child.pid());
  ASSERT_TRUE(pidfd);
  EXPECT_TRUE(SignalPidfd(pidfd.get(), SIGKILL));
  EXPECT_EQ(EndOf(child), "SIGKILL");
  EXPECT_FALSE(SignalPidfd(pidfd.get(), SIGKILL));
}

TEST(KillTest, RefusesWhatWouldReachOthersToo) {
  for (const pid_t pid : {0, -1, -2}) {
    errno = 0;
    EXPECT_EQ(Kill(pid, 0), -1);
    EXPECT_EQ(errno, EINVAL);
  }
  for (const pid_t leader : {1, 0, -1}) {
    errno = 0;
    EXPECT_EQ(KillGroup(leader, 0), -1);
    EXPECT_EQ(errno, EINVAL);
  }
  EXPECT_EQ(Kill(::getpid(), 0), 0);
}

}  // namespace
}  // namespace hydrapool::sys
