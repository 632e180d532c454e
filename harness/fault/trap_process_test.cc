#include "harness/fault/trap.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/fault/inject_run.h"
#include "harness/fault/worker_kind.h"
#include "harness/testing/family.h"
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
         .hold = 50 * sys::kMillisecond,
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
  sys::SharedArray<std::atomic<std::uint64_t>> passes_{2};
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
  const Identity main = ReadProcess(::getpid())->identity;
  trap.Set();
  while (!trap.Caught()) ::sched_yield();
  EXPECT_EQ(trap.Caught(), victim.pid());
  const Undo undo = trap.undo(main);
  EXPECT_EQ(undo.kind, Undo::Kind::kTrap);
  EXPECT_FALSE(OpenTrap(scratch / "trap", {.pid = victim.pid()})) << "it is not of that server";
  EXPECT_TRUE(TakeBack(undo, -1));
  EXPECT_TRUE(GoesOn(victim));
  EXPECT_TRUE(OpenTrap(scratch / "nowhere", main));
}

}  // namespace
}  // namespace hydrapool::harness
