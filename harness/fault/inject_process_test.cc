#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "harness/fault/inject_run.h"
#include "harness/fault/worker_kind.h"
#include "harness/testing/family.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

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

struct Runner {
  InjectSummary Run(const InjectRun::Options& options, pid_t parent = ::getpid(),
                    const InjectLimits& limits = {}) {
    Injector injector(parent, limits);
    InjectRun run(
        loop, options, injector, [parent] { return ProcessesOf(parent); },
        [this](const InjectRecord& record) { records.push_back(record); });
    return run.Run();
  }
  sys::EventLoop loop;
  std::vector<InjectRecord> records;
};

TEST(InjectRunTest, AServerThatDoesNotAnswerIsAskedAgainAndTheLoopGoesOnMeanwhile) {
  const auto children = Sleepers(1);
  sys::EventLoop loop;
  Injector injector(::getpid());
  int turns = 0;
  std::vector<int> looked_in;
  sys::EventLoop::Timer beat;
  std::function<void()> go_on = [&] {
    ++turns;
    beat = loop.At(sys::Now() + sys::kMillisecond, go_on);
  };
  go_on();
  std::vector<InjectRecord> records;
  InjectRun run(
      loop, {.schedule = {.every = sys::kMillisecond, .count = 1}}, injector,
      [&]() -> sys::Result<ServerProcesses> {
        looked_in.push_back(turns);
        if (looked_in.size() < 3) return sys::Failure(ETIMEDOUT, "GET");
        return ProcessesOf(::getpid());
      },
      [&](const InjectRecord& record) { records.push_back(record); });
  const auto summary = run.Run();
  EXPECT_EQ(summary.planned, 1u);
  EXPECT_EQ(summary.landed, 1u);
  EXPECT_THAT(records, SizeIs(1));
  ASSERT_THAT(looked_in, SizeIs(3));
  EXPECT_LT(looked_in[0], looked_in[1]);
  EXPECT_LT(looked_in[1], looked_in[2]);
}

TEST(InjectRunTest, AllKillsEachChildOnce) {
  const auto children = Sleepers(3);
  Runner runner;
  const auto summary =
      runner.Run({.schedule = {.target = Target::kAll, .every = sys::kMillisecond, .count = 1}});
  EXPECT_EQ(summary.ended, "schedule");
  EXPECT_EQ(summary.planned, 1u);
  EXPECT_EQ(summary.landed, 3u);
  EXPECT_THAT(summary.dead, SizeIs(3));
  EXPECT_THAT(ForksOf(::getpid()).workers, IsEmpty());
}

TEST(InjectRunTest, RandomKillsOneAtATimeAndMissesWhenNobodyIsLeft) {
  const auto children = Sleepers(3);
  Runner runner;
  const auto summary = runner.Run({.schedule = {.every = 20 * sys::kMillisecond, .count = 4}});
  EXPECT_EQ(summary.planned, 4u);
  EXPECT_EQ(summary.landed, 3u);
  EXPECT_EQ(summary.missed, 1u);
  ASSERT_THAT(runner.records, SizeIs(4));
  // A death may be seen after the miss: then the last victim is still there, as one that is hurt already.
  const auto miss = std::ranges::find_if(
      runner.records, [](const auto& record) { return record.outcome == Outcome::kMissed; });
  ASSERT_NE(miss, runner.records.end());
  EXPECT_THAT(miss->reason,
              ::testing::AnyOf("no worker was there", "every worker was leaving or hurt already"));
}

TEST(InjectRunTest, ByRequestsAFaultComesWhenTheServerHasExecutedSoMany) {
  const auto children = Sleepers(2);
  std::uint64_t requests = 1000;
  std::vector<std::uint64_t> when;
  sys::EventLoop loop;
  Injector injector(::getpid());
  InjectRun run(
      loop, {.schedule = {.trigger = {.requests = 50}, .count = 2}}, injector,
      [&] {
        ServerProcesses server = ProcessesOf(::getpid());
        server.requests = std::exchange(requests, requests + 10);
        return server;
      },
      [&](const InjectRecord& record) { when.push_back(*record.requests); });
  const auto summary = run.Run();
  EXPECT_EQ(summary.planned, 2u);
  EXPECT_EQ(summary.landed, 2u);
  EXPECT_THAT(when, testing::UnorderedElementsAre(50u, 100u));
  EXPECT_GE(requests, 1110u) << "it has looked until 1100 were executed";
}

TEST(InjectRunTest, ByRequestsNoneComesAfterTheDuration) {
  const auto children = Sleepers(1);
  sys::EventLoop loop;
  Injector injector(::getpid());
  InjectRun run(
      loop, {.schedule = {.trigger = {.requests = 50}, .duration = sys::kMillisecond}}, injector,
      [] { return ProcessesOf(::getpid()); }, [](const InjectRecord&) {});
  EXPECT_EQ(run.Run().planned, 0u);
}

TEST(InjectRunTest, FaultsByACountThatStandsStillAreGivenUp) {
  const auto children = Sleepers(1);
  std::uint64_t requests = 1000;
  Runner runner;
  Injector injector(::getpid());
  InjectRun run(
      runner.loop,
      {.schedule = {},
       .requests_within = 20 * sys::kMillisecond,
       .listed = {{.id = 1, .requests = 50}, {.id = 2, .requests = 500}, {.id = 3, .requests = 5000}}},
      injector,
      [&] {
        ServerProcesses server = ProcessesOf(::getpid());
        server.requests = requests = std::min<std::uint64_t>(requests + 10, 1100);
        return server;
      },
      [&](const InjectRecord& record) { runner.records.push_back(record); });
  const auto summary = run.Run();
  EXPECT_EQ(summary.ended, "requests");
  EXPECT_EQ(summary.landed, 1u);
  EXPECT_EQ(summary.missed, 1u);
  EXPECT_EQ(summary.last_reason,
            "the server has executed no request for 20 ms, and this fault comes after 500 of them");
}

TEST(InjectRunTest, OfAPhaseItWaitsForAWorkerThatIsInIt) {
  const auto children = Sleepers(2);
  int looks = 0;
  InjectRecord told;
  sys::EventLoop loop;
  Injector injector(::getpid());
  InjectRun run(
      loop, {.schedule = {.every = sys::kMillisecond, .trigger = {.phase = Phase::kExecuting}, .count = 1}},
      injector,
      [&] {
        ServerProcesses server = ProcessesOf(::getpid());
        if (++looks > 5) server.workers[1].busy = 1;
        return server;
      },
      [&](const InjectRecord& record) { told = record; });
  EXPECT_EQ(run.Run().landed, 1u);
  EXPECT_EQ(told.worker->identity.pid, std::max(children[0].pid(), children[1].pid()));
  EXPECT_EQ(told.phase, Phase::kExecuting);
}

TEST(InjectRunTest, TermLandsOnAWorkerThatHeedsIt) {
  const auto polite = sys::Child::Fork(SleepTillAsked);
  const auto summary =
      Runner().Run({.schedule = {.fault = Fault::kTerm, .every = sys::kMillisecond, .count = 1}});
  EXPECT_EQ(summary.landed, 1u);
}

TEST(InjectRunTest, AWorkerThatHeedsNoTermHasSurvived) {
  const auto stubborn = sys::Child::Fork(SleepForEver);
  const auto summary =
      Runner().Run({.schedule = {.fault = Fault::kTerm, .every = sys::kMillisecond, .count = 1},
                    .dead_within = 20 * sys::kMillisecond});
  EXPECT_EQ(summary.sent, 1u);
  EXPECT_EQ(summary.survived, 1u);
  EXPECT_TRUE(IsAlive(stubborn.pid()));
}

TEST(InjectRunTest, WhoeverIsLeavingAlreadyIsNotHitAgain) {
  const auto slow = Sleepers(2);  // they heed no TERM: they drain for ever
  Runner runner;
  const auto summary =
      runner.Run({.schedule = {.fault = Fault::kTerm, .every = 10 * sys::kMillisecond, .count = 5},
                  .dead_within = 5 * sys::kSecond});
  EXPECT_EQ(summary.sent, 2u);
  EXPECT_EQ(summary.missed, 3u);
  std::set<pid_t> hit;
  for (const auto& record : runner.records) {
    if (record.outcome == Outcome::kMissed) {
      EXPECT_EQ(record.reason, "every worker was leaving or hurt already");
    } else {
      EXPECT_TRUE(hit.insert(record.worker->identity.pid).second);
    }
  }
}

TEST(InjectRunTest, MinAliveAreLeftAlone) {
  const auto children = Sleepers(3);
  Runner runner;
  const auto summary =
      runner.Run({.schedule = {.every = 5 * sys::kMillisecond, .count = 4}}, ::getpid(), {.min_alive = 1});
  EXPECT_EQ(summary.landed, 2u);
  EXPECT_EQ(summary.missed, 2u);
  EXPECT_THAT(summary.last_reason, HasSubstr("min-alive"));
  EXPECT_THAT(ForksOf(::getpid()).workers, SizeIs(1));
}

TEST(InjectRunTest, ABudgetThatIsSpentEndsIt) {
  const auto children = Sleepers(3);
  const auto summary =
      Runner().Run({.schedule = {.every = 5 * sys::kMillisecond, .count = 40}}, ::getpid(), {.most = 2});
  EXPECT_EQ(summary.landed, 2u);
  EXPECT_EQ(summary.ended, "budget");
}

TEST(InjectRunTest, TheParentIsHitWhereItIsAskedFor) {
  const Family family;
  Runner runner;
  const auto summary = runner.Run(
      {.schedule = {.target = Target::kParent, .every = sys::kMillisecond, .count = 1}}, family.parent.pid());
  EXPECT_EQ(summary.landed, 1u);
  EXPECT_EQ(runner.records.at(0).worker->identity.pid, family.parent.pid());
}

TEST(InjectRunTest, EndsWithTheParent) {
  Family family;
  const pid_t parent = family.parent.pid();
  Runner runner;
  auto end_of_parent =
      runner.loop.At(sys::Now() + 5 * sys::kMillisecond, [&] { family.parent.Signal(SIGKILL); });
  const auto summary = runner.Run({.schedule = {.every = 3600 * sys::kSecond}}, parent);
  EXPECT_EQ(summary.ended, "parent");
  EXPECT_EQ(summary.planned, 0u);
}

}  // namespace
}  // namespace hydrapool::harness
