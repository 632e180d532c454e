#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "harness/fault/inject_run.h"
#include "harness/fault/process_tree.h"
#include "harness/testing/family.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

int SleepTillAsked() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  return SleepForEver();
}

std::vector<sys::Child> Sleepers(std::size_t count) {
  std::vector<sys::Child> children;
  for (std::size_t i = 0; i < count; ++i) children.push_back(sys::Child::Fork(SleepForEver));
  return children;
}

std::vector<pid_t> PidsOf(const std::vector<sys::Child>& children) {
  std::vector<pid_t> pids;
  for (const auto& child : children) pids.push_back(child.pid());
  return pids;
}

std::vector<pid_t> PidsOf(const std::vector<WorkerView>& workers) {
  std::vector<pid_t> pids;
  for (const auto& worker : workers) pids.push_back(worker.identity.pid);
  return pids;
}

struct Runner {
  InjectSummary Run(InjectRun::Options options) {
    const pid_t parent = options.parent;
    InjectRun run(
        loop, std::move(options), [parent] { return ForksOf(parent); },
        [this](const InjectRecord& record) { records.push_back(record); });
    return run.Run();
  }
  sys::EventLoop loop;
  std::vector<InjectRecord> records;
};

TEST(ProcessTreeTest, SeesItsForksButNotWhatRunsAnotherProgram) {
  const auto children = Sleepers(2);
  const auto other = sys::Child::Fork([]() -> int { return ::execl("/bin/sleep", "sleep", "600", nullptr); });
  while (ReadProcess(other.pid())->comm != "sleep") ::sched_yield();
  EXPECT_THAT(ChildrenOf(::getpid()), SizeIs(3));
  EXPECT_THAT(PidsOf(ForksOf(::getpid())), UnorderedElementsAreArray(PidsOf(children)));
}

TEST(ProcessTreeTest, AncestorsStartWithTheProcessItself) {
  const auto line = WithAncestors(::getpid());
  ASSERT_GE(line.size(), 2u);
  EXPECT_EQ(line[0], ::getpid());
  EXPECT_EQ(line[1], ::getppid());
}

TEST(StrikeTest, KillsAChildAndReportsOnItsPidfd) {
  const auto child = sys::Child::Fork(SleepForEver);
  const auto blow = Strike(ReadProcess(child.pid())->identity, ::getpid(), Fault::kKill);
  ASSERT_TRUE(blow) << blow.error().message;
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(info.si_status, SIGKILL);
}

TEST(StrikeTest, RefusesANumberThatStandsForAnotherProcessByNow) {
  const auto child = sys::Child::Fork(SleepForEver);
  Identity seen = ReadProcess(child.pid())->identity;
  --seen.start_time;
  EXPECT_THAT(Strike(seen, ::getpid(), Fault::kKill).error().message, HasSubstr("another process by now"));
  EXPECT_TRUE(IsAlive(child.pid()));
}

TEST(StrikeTest, RefusesAStrangersChild) {
  const Family family;
  const auto strangers = ForksOf(family.parent.pid());
  ASSERT_THAT(strangers, SizeIs(2));
  const auto blow = Strike(strangers[0].identity, ::getpid(), Fault::kKill);
  EXPECT_THAT(blow.error().message, HasSubstr("is not a child of"));
  EXPECT_TRUE(IsAlive(strangers[0].identity.pid));
}

TEST(StrikeTest, RefusesItselfItsAncestorsAndWhatIsNoProcess) {
  const auto self = ReadProcess(::getpid())->identity;
  const auto above = ReadProcess(::getppid())->identity;
  EXPECT_THAT(Strike(self, ::getppid(), Fault::kTerm).error().message, HasSubstr("itself"));
  EXPECT_THAT(Strike(above, ReadProcess(above.pid)->parent, Fault::kTerm).error().message,
              HasSubstr("ancestor"));
  for (const pid_t pid : {1, 0, -1}) {
    EXPECT_THAT(Strike({.pid = pid, .start_time = 0}, 0, Fault::kTerm).error().message,
                HasSubstr("never a target"));
  }
}

TEST(StrikeTest, RefusesTheDead) {
  const auto child = sys::Child::Fork([] { return 0; });
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  const auto dead = ReadProcess(child.pid())->identity;
  EXPECT_THAT(Strike(dead, ::getpid(), Fault::kKill).error().message, HasSubstr("already dead"));
}

TEST(InjectRunTest, AllKillsEachChildOnce) {
  const auto children = Sleepers(3);
  Runner runner;
  const auto summary = runner.Run(
      {.schedule = {.target = Target::kAll, .every = sys::kMillisecond, .count = 1}, .parent = ::getpid()});
  EXPECT_EQ(summary.ended, "schedule");
  EXPECT_EQ(summary.planned, 1u);
  EXPECT_EQ(summary.landed, 3u);
  EXPECT_THAT(summary.dead, SizeIs(3));
  EXPECT_THAT(ForksOf(::getpid()), IsEmpty());
}

TEST(InjectRunTest, RandomKillsOneAtATimeAndMissesWhenNobodyIsLeft) {
  const auto children = Sleepers(3);
  Runner runner;
  const auto summary =
      runner.Run({.schedule = {.every = 20 * sys::kMillisecond, .count = 4}, .parent = ::getpid()});
  EXPECT_EQ(summary.planned, 4u);
  EXPECT_EQ(summary.landed, 3u);
  EXPECT_EQ(summary.missed, 1u);
  ASSERT_THAT(runner.records, SizeIs(4));
  EXPECT_EQ(runner.records.back().reason, "no worker was there");
}

TEST(InjectRunTest, TermLandsOnAWorkerThatHeedsIt) {
  const auto polite = sys::Child::Fork(SleepTillAsked);
  const auto summary = Runner().Run(
      {.schedule = {.fault = Fault::kTerm, .every = sys::kMillisecond, .count = 1}, .parent = ::getpid()});
  EXPECT_EQ(summary.landed, 1u);
}

TEST(InjectRunTest, AWorkerThatHeedsNoTermHasSurvived) {
  const auto stubborn = sys::Child::Fork(SleepForEver);
  const auto summary =
      Runner().Run({.schedule = {.fault = Fault::kTerm, .every = sys::kMillisecond, .count = 1},
                    .parent = ::getpid(),
                    .dead_within = 20 * sys::kMillisecond});
  EXPECT_EQ(summary.sent, 1u);
  EXPECT_EQ(summary.survived, 1u);
  EXPECT_TRUE(IsAlive(stubborn.pid()));
}

TEST(InjectRunTest, EndsWithTheParent) {
  Family family;
  const pid_t parent = family.parent.pid();
  Runner runner;
  auto end_of_parent =
      runner.loop.At(sys::Now() + 5 * sys::kMillisecond, [&] { family.parent.Signal(SIGKILL); });
  const auto summary = runner.Run({.schedule = {.every = 3600 * sys::kSecond}, .parent = parent});
  EXPECT_EQ(summary.ended, "parent");
  EXPECT_EQ(summary.planned, 0u);
}

}  // namespace
}  // namespace hydrapool::harness
