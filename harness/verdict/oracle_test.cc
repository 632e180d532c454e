#include "harness/verdict/oracle.h"

#include <gtest/gtest.h>

#include "harness/testing/runs.h"

namespace hydrapool::harness {
namespace {

/// By time alone.
std::optional<std::size_t> FaultOf(const Failure& failure, std::span<const FaultRecord> faults) {
  const auto explanation = Explain(failure, faults);
  return explanation ? std::optional(explanation->fault) : std::nullopt;
}

TEST(ExplainTest, ByTimeAndWorker) {
  const std::vector<FaultRecord> faults{Kill(1, 1000 * kMs, 0), Kill(2, 1050 * kMs, 1)};
  auto failure = LostAt(1060 * kMs);
  EXPECT_EQ(FaultOf(failure, faults), 1u) << "the latest";
  failure.slot = 0;
  EXPECT_EQ(FaultOf(failure, faults), 0u) << "the one of its worker";
  failure.slot = 3;
  EXPECT_EQ(FaultOf(failure, faults), std::nullopt);
  EXPECT_EQ(FaultOf(LostAt(900 * kMs), faults), std::nullopt) << "before";
  EXPECT_EQ(FaultOf(LostAt(1300 * kMs), faults), std::nullopt) << "long after";
  auto slow = LostAt(500 * kMs);
  slow.end = 1010 * kMs;
  EXPECT_EQ(FaultOf(slow, faults), 0u) << "on its way when it came";
  auto refused = LostAt(1060 * kMs);
  refused.kind = FailureKind::kRefused;
  EXPECT_EQ(FaultOf(refused, faults), std::nullopt) << "a 404 is no worker's death";
}

TEST(ExplainTest, AMissedFaultExplainsNothingAndASurvivorGoesOnExplaining) {
  std::vector<FaultRecord> faults{Kill(1, 1000 * kMs, 0)};
  faults[0].outcome = Outcome::kMissed;
  EXPECT_EQ(FaultOf(LostAt(1000 * kMs), faults), std::nullopt);
  faults[0].outcome = Outcome::kAlive;
  faults[0].timeline = {};
  EXPECT_EQ(FaultOf(LostAt(3000 * kMs), faults), 0u);
}

TEST(ExplainTest, ADisconnectAccountsForTheConnectionsThatItHasEndedAlone) {
  const std::vector<FaultRecord> faults{{.id = 1,
                                         .at = 1000 * kMs,
                                         .fault = Fault::kNetwork,
                                         .target = Target::kServer,
                                         .outcome = Outcome::kHeld,
                                         .undone = 6000 * kMs,
                                         .ended_ports = {40112, 40113}}};
  const auto is_explained = [&](int port, sys::Nanos sent, FailureKind kind = FailureKind::kLost) {
    const Failure failure{.kind = kind, .sent = sent, .end = sent + 10 * kMs, .what = "reset", .port = port};
    const bool without = Explain(failure, faults).has_value();
    EXPECT_EQ(Explain(failure, faults, PoolFates{}).has_value(), without) << "a journal has none of these";
    return without;
  };
  EXPECT_TRUE(is_explained(40112, 995 * kMs));
  EXPECT_TRUE(is_explained(40113, 995 * kMs, FailureKind::kCut));
  EXPECT_TRUE(is_explained(40113, 1500 * kMs)) << "its client had not looked";
  EXPECT_FALSE(is_explained(40114, 995 * kMs)) << "another connection";
  EXPECT_FALSE(is_explained(0, 1005 * kMs)) << "there was no connection";
  EXPECT_FALSE(is_explained(40112, 900 * kMs)) << "it had failed before";
  EXPECT_FALSE(is_explained(40112, 2500 * kMs)) << "the port has been used again since";
  EXPECT_FALSE(is_explained(40112, 995 * kMs, FailureKind::kRefused));
}

/// Two kills at nearly the same time, and a failure that time alone lays at the later one's door.
struct JournalTest : testing::Test {
  std::vector<FaultRecord> faults{Kill(1, 1000 * kMs, 0), Kill(2, 1010 * kMs, 1)};
  Failure failure{.sent = 995 * kMs, .end = 1015 * kMs, .what = "reset", .port = 40112};
  PoolFate fate{.at = 1002 * kMs, .port = 40112, .pid = 100, .phase = "executing", .fate = "lost"};

  [[nodiscard]] std::optional<Explanation> ExplainBy(std::vector<PoolFate> fates) const {
    return Explain(failure, faults, PoolFates{.fates = std::move(fates)});
  }
};

TEST_F(JournalTest, ItsPortFindsTheDeathAndThePhase) {
  EXPECT_EQ(ExplainBy({fate}), (Explanation{.fault = 0, .phase = "executing"}));
}

TEST_F(JournalTest, TheLastEntryBeforeTheFailureCounts) {
  PoolFate later{.at = 1012 * kMs, .port = 40112, .pid = 101, .phase = "responding", .fate = "cut"};
  EXPECT_EQ(ExplainBy({fate, later}), (Explanation{.fault = 1, .phase = "responding"}));
  later.at = failure.end + 1;
  EXPECT_EQ(ExplainBy({fate, later})->fault, 0u) << "what comes after the failure is no cause of it";
}

TEST_F(JournalTest, AConnectionThatEndedJustBeforeItWasUsedCounts) {
  failure.sent = fate.at + 500 * kMs;
  failure.end = failure.sent + kMs;
  EXPECT_EQ(ExplainBy({fate})->fault, 0u);
  fate.fate = "rescued";
  EXPECT_EQ(ExplainBy({fate}), std::nullopt) << "it went on, and this is a later request";
  fate.fate = "lost";
  failure.sent = fate.at + 1500 * kMs;
  failure.end = failure.sent + kMs;
  EXPECT_EQ(ExplainBy({fate}), std::nullopt) << "the port has been used again since";
}

TEST_F(JournalTest, WithoutAnEntryItIsUnexplainedThoughAFaultWasNear) {
  EXPECT_EQ(ExplainBy({}), std::nullopt);
  fate.port = 40113;
  EXPECT_EQ(ExplainBy({fate}), std::nullopt) << "another's";
}

TEST_F(JournalTest, ADeathThatNoFaultMadeExplainsNothing) {
  fate.pid = 4711;
  EXPECT_EQ(ExplainBy({fate}), std::nullopt);
  fate.pid = 100;
  fate.at = 999 * kMs;
  EXPECT_EQ(ExplainBy({fate}), std::nullopt) << "it died before the fault came";
}

TEST_F(JournalTest, WhatNoWorkerHadIsJudgedByTime) {
  fate.pid.reset();
  EXPECT_EQ(ExplainBy({fate}), (Explanation{.fault = 1, .phase = "executing"}));
}

TEST_F(JournalTest, WhatMayHaveBeenForgottenIsJudgedByTime) {
  const PoolFates fates{.fates = {}, .complete_since = failure.end + 1};
  EXPECT_EQ(Explain(failure, faults, fates), (Explanation{.fault = 1, .phase = ""}));
}

TEST(AttributeTest, CountsByFaultAndListsWhatIsUnexplained) {
  auto run = GoodRun();
  run.failures = {LostAt(2000 * kMs), LostAt(5000 * kMs)};
  run.failures[0].port = 1;
  run.pool.fates = PoolFates{.fates = {{.at = 2000 * kMs, .port = 1, .pid = 101, .phase = "idle"}}};
  const auto attribution = Attribute(run);
  EXPECT_EQ(attribution.by_fault[1].lost, 1u);
  EXPECT_EQ(attribution.by_failure[0]->phase, "idle");
  EXPECT_EQ(attribution.unexplained, std::vector<std::size_t>{1});
}

TEST_F(JournalTest, AnAnswerOfAProgramThatWasKilledIsThatFaultsThoughNoWorkerDied) {
  FaultRecord program = Kill(1, 1000 * kMs, 0);
  program.worker->role = Role::kProgram;
  EXPECT_FALSE(program.hit_server());
  failure.kind = FailureKind::kAbandoned;
  const std::vector<FaultRecord> killed{program};
  EXPECT_EQ(Explain(failure, killed, PoolFates{})->fault, 0u);
  failure.kind = FailureKind::kLost;
  EXPECT_EQ(Explain(failure, killed, PoolFates{}), std::nullopt)
      << "a worker answers, or breaks the answer off";
  failure.kind = FailureKind::kAbandoned;
  program.worker->role = Role::kWorker;
  const std::vector<FaultRecord> of_a_worker{program};
  EXPECT_EQ(Explain(failure, of_a_worker, PoolFates{}), std::nullopt);
}

TEST_F(JournalTest, AnAnswerThatALimitMadeIsTheLimitsThoughNobodyDied) {
  FaultRecord starved = Kill(1, 100 * kMs, 0);
  starved.fault = Fault::kDescriptors;
  starved.outcome = Outcome::kHeld;
  starved.undone = 400 * kMs;
  starved.timeline = {};
  const std::vector<FaultRecord> held{starved};
  const PoolFates silent;
  Failure answer = LostAt(200 * kMs);
  EXPECT_FALSE(Explain(answer, held, silent)) << "nothing says that its connection ended";
  answer.kind = FailureKind::kAbandoned;
  EXPECT_TRUE(Explain(answer, held, silent));
  answer.sent = answer.end = 600 * kMs;
  EXPECT_FALSE(Explain(answer, held, silent)) << "long after it was taken back";
  EXPECT_FALSE(Explain({.kind = FailureKind::kAbandoned, .sent = 100 * kMs, .end = 101 * kMs},
                       std::vector{Kill(1, 100 * kMs, 0)}, silent))
      << "a death is in the journal";
}

TEST(ExplainTest, WhatTheNetworkOrAFullDiskDoesIsInNoJournal) {
  FaultRecord held{
      .id = 1, .at = 1000 * kMs, .fault = Fault::kNetwork, .outcome = Outcome::kHeld, .undone = 2000 * kMs};
  const PoolFates none{.fates = {}};
  const auto explains = [&](const Failure& each) {
    return Explain(each, std::vector{held}, none).has_value();
  };
  auto failure = LostAt(1500 * kMs);
  EXPECT_TRUE(explains(failure));
  EXPECT_FALSE(explains(LostAt(3000 * kMs))) << "long after";
  held.fault = Fault::kFullDisk;
  EXPECT_FALSE(explains(failure)) << "a full disk loses no request";
  failure.kind = FailureKind::kAbandoned;
  EXPECT_TRUE(explains(failure)) << "but may be a reason for a 503";
}

}  // namespace
}  // namespace hydrapool::harness
