#include "harness/fault/trap.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/fault/inject_run.h"
#include "harness/fault/worker_kind.h"
#include "harness/testing/family.h"
#include "pool/sys/await.h"
#include "pool/sys/clock.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/shared_memory.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;

/// This process is a server whose workers pass the point of a phase again and again.
struct TrapTest : testing::Test {
  struct Victim {
    sys::Child child;
    std::atomic<std::uint64_t>& passes;  // of its point
    [[nodiscard]] pid_t pid() const { return child.pid(); }
  };
  [[nodiscard]] Victim Worker(const char* point = "worker.sent") {
    std::atomic<std::uint64_t>& passes = passes_[workers_++];
    auto child = sys::Child::Fork([this, point, &passes]() -> int {
      sigset_t none;
      sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      ::setenv("HYDRAPOOL_FAILPOINTS", trap.setting().c_str(), 1);
      sys::ArmFailpoints();
      for (;;) {
        sys::PassFailpoint(point);
        ++passes;
        ::sched_yield();
      }
    });
    return {std::move(child), passes};
  }
  InjectRecord Do(Fault fault, const InjectLimits& limits = {}) {
    sys::EventLoop loop;
    Injector injector(::getpid(), limits);
    std::vector<InjectRecord> records;
    InjectRun run(
        loop,
        {.schedule = {.fault = fault,
                      .every = sys::kMillisecond,
                      .trigger = {.phase = Phase::kResponding, .exact = true},
                      .count = 1},
         .hold = 500 * sys::kMillisecond,
         .trap = &trap},
        injector, [] { return ProcessesOf(::getpid()); },
        [&records](const InjectRecord& record) { records.push_back(record); });
    static_cast<void>(run.Run());
    return records.at(0);
  }
  static bool GoesOn(const Victim& victim) {
    const std::uint64_t before = victim.passes;
    for (const sys::Nanos end = sys::Now() + 10 * sys::kSecond; sys::Now() < end; ::sched_yield()) {
      if (victim.passes != before) return true;
    }
    return false;
  }
  sys::ScratchDir scratch{"harness-trap"};
  Trap trap{Phase::kResponding, scratch / "trap"};

 private:
  sys::SharedArray<std::atomic<std::uint64_t>> passes_{3};
  std::size_t workers_ = 0;
};

TEST_F(TrapTest, HitsWhoeverWalksIntoItAndNobodyElse) {
  const auto another = Worker("another.point");
  const auto victim = Worker();
  const auto record = Do(Fault::kKill);
  EXPECT_EQ(record.outcome, Outcome::kDead);
  EXPECT_EQ(record.proof, Proof::kConfirmed) << record.reason;
  EXPECT_EQ(record.worker->identity.pid, victim.pid());
  EXPECT_TRUE(IsAlive(another.pid()));
}

TEST_F(TrapTest, WhoIsStoppedInItGoesOnAfterTheFault) {
  const auto victim = Worker();
  for (const Fault fault : {Fault::kDescriptors, Fault::kStop}) {
    const auto record = Do(fault);
    EXPECT_EQ(record.outcome, Outcome::kHeld) << Name(fault);
    EXPECT_EQ(record.proof, Proof::kConfirmed) << record.reason;
    EXPECT_TRUE(GoesOn(victim)) << Name(fault);
  }
  EXPECT_EQ(Do(Fault::kTerm).outcome, Outcome::kDead);
}

TEST_F(TrapTest, WhoIsToBeLeftAloneGoesOn) {
  const auto victim = Worker();
  const auto record = Do(Fault::kKill, {.min_alive = 2});  // the guard is a child of this process, too
  EXPECT_EQ(record.outcome, Outcome::kMissed);
  EXPECT_THAT(record.reason, HasSubstr("min-alive"));
  EXPECT_TRUE(GoesOn(victim));
}

TEST_F(TrapTest, IsGivenUpWhereNobodyPasses) {
  const auto worker = Worker("another.point");
  const auto record = Do(Fault::kKill);
  EXPECT_EQ(record.outcome, Outcome::kMissed);
  EXPECT_EQ(record.reason, "no worker was responding within a second");
  const auto late = Worker();
  EXPECT_TRUE(GoesOn(late)) << "nobody is caught any more";
}

TEST_F(TrapTest, ItsUndoLetsGoWhoStandsStillInIt) {
  const auto victim = Worker();
  trap.Set();
  while (!trap.Caught()) ::sched_yield();
  EXPECT_EQ(trap.Caught(), victim.pid());
  const Undo undo = trap.undo();
  EXPECT_EQ(undo.kind, Undo::Kind::kTrap);
  EXPECT_TRUE(TakeBack(undo, -1));
  EXPECT_TRUE(GoesOn(victim));
  ClearTrap(scratch / "nowhere");
}

TEST_F(TrapTest, WhoIsEndedInItByAnotherLeavesItToTheNext) {
  const auto first = Worker();
  trap.Set();
  while (!trap.Caught()) ::sched_yield();
  EXPECT_FALSE(trap.Unset()) << "somebody is in it";
  first.child.Signal(SIGKILL);
  sys::Await(first.child.pidfd(), POLLIN, std::chrono::seconds(20));
  EXPECT_EQ(trap.Caught(), std::nullopt);
  const auto second = Worker();
  while (!trap.Caught()) ::sched_yield();
  EXPECT_EQ(trap.Caught(), second.pid());
}

// The number of a victim may be a stranger's by the time that the trap is set again, and he may stand still
// for reasons of his own.
TEST_F(TrapTest, AStrangerOfTheVictimsNumberIsNotSignalled) {
  const auto stranger = sys::Child::Fork(SleepForEver);
  stranger.Signal(SIGSTOP);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(stranger.pid()), &info, WSTOPPED | WNOWAIT), 0);
  sys::FailpointGate& gate = **sys::MapFailpointGate((scratch / "trap").c_str());
  for (const bool undone : {false, true}) {
    gate.word = static_cast<std::uint32_t>(stranger.pid());
    if (undone) {
      EXPECT_TRUE(TakeBack(trap.undo(), -1));
    } else {
      trap.Set();
    }
    EXPECT_EQ(ReadProcess(stranger.pid())->state, 'T');
  }
}

TEST_F(TrapTest, KeepsNoNumberOfAVictim) {
  const auto victim = Worker();
  EXPECT_EQ(Do(Fault::kKill).outcome, Outcome::kDead);
  EXPECT_EQ((*sys::MapFailpointGate((scratch / "trap").c_str()))->word, sys::FailpointGate::kClosed);
}

TEST_F(TrapTest, OfManyWhoComeByOneIsCaughtAndAllGoOn) {
  const std::array workers{Worker(), Worker(), Worker()};
  for (int i = 0; i < 200; ++i) {
    trap.Set();
    while (!trap.Caught()) ::sched_yield();
    trap.Clear();
    EXPECT_TRUE(trap.Unset());
  }
  for (const auto& worker : workers) EXPECT_TRUE(GoesOn(worker));
}

}  // namespace
}  // namespace hydrapool::harness
