#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "harness/fault/injector.h"
#include "harness/fault/process_tree.h"
#include "harness/testing/family.h"
#include "pool/sys/error.h"
#include "pool/sys/kill.h"

namespace hydrapool::harness {
namespace {

constexpr int kRounds = 300;
constexpr int kNoOwnNumbers = 77;

/// The next process of this pid namespace gets that number, if it is free.
bool NextIs(pid_t pid) {
  std::ofstream last("/proc/sys/kernel/ns_last_pid");
  last << pid - 1 << std::flush;
  return last.good();
}

/// Starts a stranger with each number that it is told, answers with the one that it got, and, asked again,
/// how the stranger has ended by the TERM that it gets then.
int StartStrangers(int channel) {
  for (pid_t wanted = 0; ::read(channel, &wanted, sizeof wanted) == sizeof wanted;) {
    NextIs(wanted);
    const pid_t stranger = ::fork();
    if (stranger == 0) return SleepForEver();
    if (::write(channel, &stranger, sizeof stranger) < 0 || ::read(channel, &wanted, sizeof wanted) < 0)
      return 1;
    sys::Kill(stranger, SIGTERM);
    sys::Kill(stranger, SIGCONT);
    int status = 0;
    ::waitpid(stranger, &status, 0);
    const int signal = WTERMSIG(status);
    if (::write(channel, &signal, sizeof signal) < 0) return 1;
  }
  return 0;
}

/// As the main process of a server: how many strangers were hit that have a dead worker's number, or
/// kNoOwnNumbers where too few got one.
int HurtTheDead(int strangers) {
  Injector injector(::getpid());
  int reused = 0;
  int hit = 0;
  for (int round = 0; round < kRounds; ++round) {
    const pid_t worker = ::fork();
    if (worker == 0) ::_exit(SleepForEver());
    const Identity seen = ReadProcess(worker)->identity;
    sys::Kill(worker, SIGKILL);
    ::waitpid(worker, nullptr, 0);
    pid_t stranger = worker;
    sys::Check(::write(strangers, &stranger, sizeof stranger), "write");
    sys::Check(::read(strangers, &stranger, sizeof stranger), "read");
    const bool struck = injector.Strike(seen, round % 2 == 0 ? Fault::kKill : Fault::kStop).has_value();
    int ended_by = 0;
    sys::Check(::write(strangers, &stranger, sizeof stranger), "write");
    sys::Check(::read(strangers, &ended_by, sizeof ended_by), "read");
    reused += stranger == worker ? 1 : 0;
    hit += struck || ended_by != SIGTERM ? 1 : 0;
  }
  return reused < kRounds / 2 ? kNoOwnNumbers : hit;
}

/// The first process of a pid namespace of its own.
int BeFirst() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("proc", "/proc", "proc", 0, nullptr) != 0 || !NextIs(100))
    return kNoOwnNumbers;
  std::array<int, 2> ends;
  sys::Check(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), "socketpair");
  if (::fork() == 0) ::_exit(StartStrangers(ends[1]));
  const pid_t server = ::fork();
  if (server == 0) ::_exit(HurtTheDead(ends[0]));
  int status = 0;
  ::waitpid(server, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

TEST(ReuseTest, AStrangerWithADeadWorkersNumberIsNeverHit) {
  const auto above = sys::Child::Fork([]() -> int {
    if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return kNoOwnNumbers;
    const pid_t first = ::fork();
    if (first == 0) ::_exit(BeFirst());
    int status = 0;
    ::waitpid(first, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  });
  constexpr int kLongEnough = 60'000;
  pollfd ended{.fd = above.pidfd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ended, 1, kLongEnough), 1);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(above.pid()), &info, WEXITED | WNOWAIT), 0);
  if (info.si_status == kNoOwnNumbers)
    GTEST_SKIP() << "needs root, and a pid namespace that says its next number";
  EXPECT_EQ(info.si_status, 0) << "strangers were hit";
}

}  // namespace
}  // namespace hydrapool::harness
