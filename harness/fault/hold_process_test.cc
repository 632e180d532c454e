#include <gmock/gmock.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "harness/fault/inject_run.h"
#include "harness/fault/process_facts.h"
#include "harness/fault/process_tree.h"
#include "harness/fault/victim_group.h"
#include "harness/fault/worker_kind.h"
#include "harness/testing/family.h"
#include "pool/sys/await.h"
#include "pool/sys/child.h"
#include "pool/sys/file.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;

/// This process with that worker.
ServerProcesses With(pid_t worker) {
  ServerProcesses server = ProcessesOf(::getpid());
  server.workers = {ProcessView{.identity = ReadProcess(worker)->identity}};
  return server;
}

/// One worker of this process, and one fault for it.
struct OneFault : testing::Test {
  /// `hold`: long enough to be seen, also on a full machine.
  InjectRecord Do(Fault fault, pid_t pid, sys::Nanos hold = sys::kSecond) {
    Injector injector(::getpid());
    std::vector<InjectRecord> records;
    InjectRun run(
        loop,
        {.schedule = {.fault = fault, .every = sys::kMillisecond, .count = 1},
         .dead_within = 5 * sys::kSecond,
         .hold = hold},
        injector, [pid] { return With(pid); },
        [&records](const InjectRecord& record) { records.push_back(record); });
    static_cast<void>(run.Run());
    return records.at(0);
  }
  sys::EventLoop loop;
};

int Heed(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigaction(signal, &action, nullptr);
  return 0;
}

/// A child that handles `signal` so, once it is ready to.
sys::Child Heeding(int signal, void (*handler)(int)) {
  std::array<int, 2> ready{};
  sys::Check(::pipe(ready.data()), "pipe");
  auto child = sys::Child::Fork([&] {
    for (const int fault : {SIGSEGV, SIGABRT}) ::signal(fault, SIG_DFL);  // a sanitizer would make it an exit
    Heed(signal, handler);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    sys::Check(::write(ready[1], "x", 1), "write");
    return SleepForEver();
  });
  char byte;
  sys::Check(::read(ready[0], &byte, 1), "read");
  for (const int end : ready) ::close(end);
  return child;
}

TEST_F(OneFault, WhatIsHeldIsConfirmedAndTakenBack) {
  const auto worker = sys::Child::Fork(SleepForEver);
  for (const Fault fault : {Fault::kStop, Fault::kDescriptors, Fault::kAddressSpace, Fault::kCpu}) {
    const auto files = LimitOf(worker.pid(), RLIMIT_NOFILE);
    const auto memory = LimitOf(worker.pid(), RLIMIT_AS);
    const auto record = Do(fault, worker.pid());
    EXPECT_EQ(record.outcome, Outcome::kHeld) << Name(fault);
    EXPECT_EQ(record.proof, Proof::kConfirmed) << Name(fault) << ": " << record.reason;
    EXPECT_TRUE(record.undone) << Name(fault);
    EXPECT_NE(ReadProcess(worker.pid())->state, 'T') << Name(fault);
    EXPECT_EQ(LimitOf(worker.pid(), RLIMIT_NOFILE), files) << Name(fault);
    EXPECT_EQ(LimitOf(worker.pid(), RLIMIT_AS), memory) << Name(fault);
  }
}

// Nothing stops a process before its vforked child has executed a program: as on a machine too full to run
// it.
TEST_F(OneFault, AStopThatIsNotTakenInItsTimeIsUnproved) {
  const auto worker = sys::Child::Fork([]() -> int {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const pid_t parent = ::getpid();
    if (::vfork() == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (::getppid() == parent) ::pause();
      ::_exit(0);
    }
    return 0;
  });
  while (ReadProcess(worker.pid())->state != 'D') ::sched_yield();
  const auto record = Do(Fault::kStop, worker.pid(), 20 * sys::kMillisecond);
  EXPECT_EQ(record.outcome, Outcome::kHeld);
  EXPECT_EQ(record.proof, Proof::kUnproved) << record.reason;
  EXPECT_FALSE(Landed(record.outcome, record.proof));
  EXPECT_EQ(record.reason, "whether it held could not be seen in its time");
}

TEST_F(OneFault, WithoutDescriptorsAnOpenFails) {
  const auto worker = Heeding(SIGALRM, [](int) {});
  Injector injector(::getpid());
  auto blow = injector.Strike(ReadProcess(worker.pid())->identity, Fault::kDescriptors);
  ASSERT_TRUE(blow) << blow.error().message;
  EXPECT_EQ(LimitOf(worker.pid(), RLIMIT_NOFILE)->soft, FirstFreeDescriptor(worker.pid()));
  EXPECT_TRUE(injector.TakeBack(*blow));
  EXPECT_GT(LimitOf(worker.pid(), RLIMIT_NOFILE)->soft, *FirstFreeDescriptor(worker.pid()));
}

TEST_F(OneFault, AServerThatItsOwnUserMayNotLookIntoCanOpenNothingEither) {
  auto user = sys::Child::Fork([] {
    constexpr int kNobody = 65534;
    if (::getuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) return 1;
    ::prctl(PR_SET_DUMPABLE, 0);
    const auto worker = sys::Child::Fork(SleepForEver);
    const auto before = LimitOf(worker.pid(), RLIMIT_NOFILE);
    if (FirstFreeDescriptor(worker.pid())) return 2;
    Injector injector(::getpid());
    auto blow = injector.Strike(ReadProcess(worker.pid())->identity, Fault::kDescriptors);
    if (!blow || LimitOf(worker.pid(), RLIMIT_NOFILE)->soft > 3) return 3;
    return injector.TakeBack(*blow) && LimitOf(worker.pid(), RLIMIT_NOFILE) == before ? 0 : 4;
  });
  ASSERT_TRUE(sys::Await(user.pidfd(), POLLIN, std::chrono::seconds(20)));
  EXPECT_EQ(user.TryReap().value().Describe(), "exit_0");
}

TEST_F(OneFault, TwoInjectorsLeaveTheLimitThatTheFirstOneFound) {
  const auto worker = sys::Child::Fork(SleepForEver);
  const auto before = LimitOf(worker.pid(), RLIMIT_NOFILE);
  Injector first(::getpid());
  Injector second(::getpid());
  for (const bool first_ends_first : {true, false}) {
    const Identity victim = ReadProcess(worker.pid())->identity;
    auto earlier = first.Strike(victim, Fault::kDescriptors);
    auto later = second.Strike(victim, Fault::kDescriptors);
    ASSERT_TRUE(earlier && later);
    EXPECT_TRUE((first_ends_first ? first : second).TakeBack(first_ends_first ? *earlier : *later));
    EXPECT_TRUE(first.TakeBack(*earlier) && second.TakeBack(*later));
    EXPECT_EQ(LimitOf(worker.pid(), RLIMIT_NOFILE), before) << first_ends_first;
  }
}

TEST_F(OneFault, ACrashSignalEndsItsVictim) {
  for (const Fault fault : {Fault::kSegv, Fault::kAbrt}) {
    const auto worker = Heeding(SIGALRM, [](int) {});
    const auto record = Do(fault, worker.pid());
    EXPECT_EQ(record.outcome, Outcome::kDead) << Name(fault);
    EXPECT_EQ(record.proof, Proof::kConfirmed) << Name(fault) << ": " << record.reason;
  }
}

TEST_F(OneFault, AnotherEndThanTheOneThatWasMeantIsAMismatch) {
  if (::geteuid() != 0) GTEST_SKIP() << "the kernel tells how a child of another ended only to root";
  const auto worker = Heeding(SIGSEGV, [](int) { ::_exit(3); });
  const auto record = Do(Fault::kSegv, worker.pid());
  EXPECT_EQ(record.outcome, Outcome::kDead);
  EXPECT_EQ(record.proof, Proof::kMismatched);
  EXPECT_THAT(record.reason, HasSubstr("exit_3"));
}

TEST_F(OneFault, ASignalOfTheServersOwnIsDeliveredIgnoredOrDeadly) {
  {
    const auto worker = Heeding(SIGHUP, [](int) {});
    const auto record = Do(Fault::kHup, worker.pid());
    EXPECT_EQ(record.outcome, Outcome::kDelivered);
    EXPECT_EQ(record.proof, Proof::kConfirmed) << record.reason;
  }
  {
    const auto worker = Heeding(SIGUSR1, SIG_IGN);
    const auto record = Do(Fault::kUsr1, worker.pid());
    EXPECT_EQ(record.outcome, Outcome::kDelivered);
    EXPECT_EQ(record.proof, Proof::kMismatched);
    EXPECT_THAT(record.reason, HasSubstr("ignores SIGUSR1"));
  }
  {
    const auto worker = Heeding(SIGALRM, [](int) {});
    const auto record = Do(Fault::kUsr2, worker.pid());
    EXPECT_EQ(record.outcome, Outcome::kDead) << "no handler: it kills";
    EXPECT_EQ(record.proof, Proof::kConfirmed) << record.reason;
  }
}

TEST_F(OneFault, AWorkerThatDiesWhileItIsHeldIsDead) {
  auto worker = sys::Child::Fork(SleepForEver);
  // Long after the stop was seen to hold, also on a busy machine.
  auto killer = loop.At(sys::Now() + 3 * sys::kSecond, [&] { worker.Signal(SIGKILL); });
  const auto record = Do(Fault::kStop, worker.pid(), 20 * sys::kSecond);
  EXPECT_EQ(record.outcome, Outcome::kDead);
  EXPECT_EQ(record.proof, Proof::kConfirmed) << record.reason;
}

// As one of hydrapool that is lent a connection for which it has no descriptor.
TEST_F(OneFault, OfAWorkerThatDiesWhileALimitIsHeldThereIsNothingToTakeBack) {
  auto worker = sys::Child::Fork(SleepForEver);
  const auto before = LimitOf(worker.pid(), RLIMIT_NOFILE);
  sys::EventLoop::Timer look;
  const std::function<void()> end_once_held = [&] {
    if (LimitOf(worker.pid(), RLIMIT_NOFILE) != before) worker.Signal(SIGKILL);
    look = loop.At(sys::Now() + sys::kMillisecond, end_once_held);
  };
  end_once_held();
  const auto record = Do(Fault::kDescriptors, worker.pid(), 20 * sys::kSecond);
  EXPECT_EQ(record.outcome, Outcome::kDead);
  EXPECT_EQ(record.proof, Proof::kConfirmed) << record.reason;
  EXPECT_TRUE(record.dead);
  EXPECT_FALSE(record.undone);
}

/// What a worker is told that tries to start a process: 0, or an errno. Asked by SIGALRM.
struct Forking {
  Forking() {
    sys::Check(::pipe(told.data()), "pipe");
    static int answers;  // the handler's
    answers = told[1];
    worker = Heeding(SIGALRM, [](int) {
      const pid_t child = ::fork();
      if (child == 0) ::_exit(0);
      const int error = child < 0 ? errno : 0;
      if (child > 0) ::waitpid(child, nullptr, 0);
      static_cast<void>(::write(answers, &error, sizeof error));
    });
  }
  ~Forking() {
    for (const int end : told) ::close(end);
  }
  int Ask() {
    worker.Signal(SIGALRM);
    int error = -1;
    static_cast<void>(::read(told[0], &error, sizeof error));
    return error;
  }
  std::array<int, 2> told{};
  sys::Child worker;
};

TEST_F(OneFault, WithoutProcessesAForkFailsUntilItIsTakenBack) {
  Forking forking;
  const pid_t pid = forking.worker.pid();
  Injector injector(::getpid());
  const auto why = WhyNoGroup(Fault::kProcesses, pid);
  auto blow = injector.Strike(ReadProcess(pid)->identity, Fault::kProcesses);
  if (why) {
    EXPECT_THAT(blow.error().message, HasSubstr("root's, which may start processes beyond any limit"));
    EXPECT_THAT(blow.error().message, HasSubstr(*why));
    return;
  }
  ASSERT_TRUE(blow) << blow.error().message;
  EXPECT_EQ(Injector::Holds(*blow), true);
  EXPECT_EQ(forking.Ask(), EAGAIN);
  EXPECT_THAT(WhyNoGroup(Fault::kProcesses, pid).value_or(""), HasSubstr("already"));
  EXPECT_TRUE(injector.TakeBack(*blow));
  EXPECT_EQ(forking.Ask(), 0);
}

TEST_F(OneFault, WhatIsHeldByACgroupIsConfirmedAndTakenBack) {
  const auto worker = sys::Child::Fork(SleepForEver);
  const std::string file = "/proc/" + std::to_string(worker.pid()) + "/cgroup";
  const std::string before = sys::ReadFile(file);
  for (const Fault fault : {Fault::kThrottle, Fault::kProcesses}) {
    if (WhyNoGroup(fault, worker.pid())) continue;
    const auto record = Do(fault, worker.pid());
    EXPECT_EQ(record.outcome, Outcome::kHeld) << Name(fault);
    EXPECT_EQ(record.proof, Proof::kConfirmed) << Name(fault) << ": " << record.reason;
    EXPECT_EQ(sys::ReadFile(file), before) << Name(fault);
  }
}

TEST_F(OneFault, StopTakesBackWhatIsHeldAtOnce) {
  const auto worker = sys::Child::Fork(SleepForEver);
  Injector injector(::getpid());
  InjectRun run(
      loop,
      {.schedule = {.fault = Fault::kStop, .every = sys::kMillisecond, .count = 1},
       .hold = 3600 * sys::kSecond},
      injector, [&] { return With(worker.pid()); }, [](const InjectRecord&) {});
  sys::EventLoop::Timer look;
  const std::function<void()> stop_once_held = [&] {
    if (ReadProcess(worker.pid())->state == 'T') return run.Stop();
    look = loop.At(sys::Now() + sys::kMillisecond, stop_once_held);
  };
  stop_once_held();
  EXPECT_EQ(run.Run().landed, 1u);
  EXPECT_NE(ReadProcess(worker.pid())->state, 'T');
}

}  // namespace
}  // namespace hydrapool::harness
