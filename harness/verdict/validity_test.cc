#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/run_report.h"
#include "harness/testing/runs.h"
#include "harness/verdict/verdict.h"

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ValidityTest, NoFaultLandedIsInvalid) {
  auto run = GoodRun();
  for (auto& fault : run.faults) fault.outcome = Outcome::kMissed;
  run.faults[1].reason = "no worker was there";
  const auto judgement = Judge(run, Strict());
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid);
  EXPECT_THAT(judgement.reasons, ElementsAre("no fault landed: no worker was there"));
}

TEST(ValidityTest, WhatWasDoneAndWasSeenToDoSomethingElseHasNotLanded) {
  auto run = GoodRun();
  for (auto& fault : run.faults) {
    fault.outcome = Outcome::kDelivered;
    fault.proof = Proof::kMismatched;
    fault.reason = "its workers were not seen to be replaced";
  }
  const auto judgement = Judge(run, DefaultExpectations());
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid);
  EXPECT_THAT(judgement.reasons, ElementsAre("no fault landed: its workers were not seen to be replaced"));
  for (auto& fault : run.faults) fault.proof = Proof::kUnproved;
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kPass);
}

TEST(ValidityTest, EachLineOfFaultsHasToLand) {
  auto run = GoodRun();
  run.fault_lines = {"kill of random", "kill of supervisor (line 9)"};
  auto missed = Kill(3, 1500 * kMs, 2);
  missed.line = 1;
  missed.outcome = Outcome::kMissed;
  missed.reason = "no supervisor was there";
  run.faults.push_back(missed);
  const auto judgement = Judge(run, DefaultExpectations());
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid);
  EXPECT_THAT(judgement.reasons,
              ElementsAre("kill of supervisor (line 9): 1 planned, none landed: no supervisor was there"));
  run.faults.back().outcome = Outcome::kDead;
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kPass);
}

TEST(ValidityTest, AnExpectationThatCouldNotBeMeasuredProvesNothing) {
  auto run = GoodRun();
  for (auto& fault : run.faults) {
    fault.fault = Fault::kStop;
    fault.outcome = Outcome::kHeld;
    fault.timeline = {};
  }
  const auto judgement = Judge(run, {{Measure::kReapP99, 1000}, {Measure::kResponseP99, kMs}});
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid);
  EXPECT_THAT(judgement.reasons,
              ElementsAre("reap p99: could not be measured", "response p99: could not be measured"));
  EXPECT_EQ(Judge(run, {}).verdict, Verdict::kPass) << "nobody asked";
  run.resting.count = 0;
  EXPECT_EQ(Judge(run, {{Measure::kIdleLost, 0}}).verdict, Verdict::kInvalid);
}

TEST(ValidityTest, NoFaultWhileARequestWasInFlightIsInvalid) {
  auto run = GoodRun();
  run.faults[0].worker->busy = 0;
  const auto judgement = Judge(run, Strict());
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid);
  EXPECT_THAT(judgement.reasons, ElementsAre("no fault landed while a request was in flight"));
  run.pool.totals->rescued_in_flight = 1;
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kPass);
}

TEST(ValidityTest, WithoutThePoolsWordWhatIsInFlightIsEstimated) {
  auto run = GoodRun();
  run.faults[0].worker->busy = 0;
  run.pool.totals.reset();
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kInvalid) << "2 kills x 100/s x 1 ms";
  run.loads[0].rate = 1000;
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kPass);
}

TEST(ValidityTest, NoRequestOrNoTrustworthyLoadIsInvalid) {
  auto run = GoodRun();
  run.loads[0].sent = 0;
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kInvalid);
  run = GoodRun();
  run.loads[0].invalid = "it missed its schedule";
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kInvalid);
  run.loads[0].invalid.clear();
  run.loads[0].broken = "loadgen ended with exit_127";
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kInvalid);
}

TEST(ValidityTest, ALoadOfWhichMoreThanATenthWasNeverSentIsInvalid) {
  auto run = GoodRun();
  run.loads[0].unsent = 111;
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kPass);
  run.loads[0].unsent = 112;
  const auto judgement = Judge(run, Strict());
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid);
  EXPECT_THAT(judgement.reasons, ElementsAre(HasSubstr("112 of its 1112 requests were never sent")));
  EXPECT_THAT(RunText({}, run, judgement), HasSubstr("http://h/: 100/s, 112 of 1112 never sent\n"));
}

TEST(ValidityTest, AConnectionThatNeverHadAnAnswerDidNotRest) {
  auto run = GoodRun();
  run.resting.answered = 13;
  const auto judgement = Judge(run, Strict());
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid);
  EXPECT_THAT(judgement.reasons,
              ElementsAre("idle connections: 3 of 16 never had an answer, and so did not rest"));
  EXPECT_THAT(RunText({}, run, judgement), HasSubstr("16 connections, 0 lost; 3 never had an answer\n"));
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kPass);
}

TEST(ValidityTest, WhatIsLostIsLostInAnInvalidRunTooButATimeProvesNothing) {
  auto run = GoodRun();
  run.loads[0].invalid = "it missed its schedule";
  for (auto& fault : run.faults) *fault.timeline.first_response += sys::kSecond;
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kInvalid);
  run.failures = {LostAt(2000 * kMs)};
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kFail);
}

TEST(ValidityTest, FailuresThatWereOnlyCountedCountAndLeaveARunUnproved) {
  auto run = GoodRun();
  run.unexamined = {{FailureKind::kLost, 5}, {FailureKind::kCut, 2}};
  const auto judgement = Judge(run, DefaultExpectations());
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid);
  EXPECT_EQ(judgement.measured.at(Measure::kLost), 5);
  EXPECT_EQ(judgement.measured.at(Measure::kCut), 2);
  EXPECT_THAT(judgement.reasons, ElementsAre(HasSubstr("7 more failures were counted but not looked into")));
  EXPECT_EQ(Judge(run, {{Measure::kLost, 4}}).verdict, Verdict::kFail);
}

TEST(ValidityTest, WhereNoConnectionCouldRestNothingIsSaidOfIdleOnes) {
  auto run = GoodRun();
  run.resting.kept = false;
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kPass);
  EXPECT_EQ(Judge(run, {{Measure::kIdleLost, 0}}).verdict, Verdict::kInvalid);
  EXPECT_FALSE(Judge(run, {}).measured.contains(Measure::kIdleLost));
}

TEST(ValidityTest, WhatIsHeldIsHeldUntilItIsTakenBackOrItsVictimDiesOfIt) {
  FaultRecord fault = Kill(1, 1000 * kMs, 0);
  EXPECT_EQ(fault.held_until(), fault.at) << "a kill holds nothing";
  fault.fault = Fault::kDescriptors;
  EXPECT_EQ(fault.held_until(), *fault.timeline.dead);
  fault.undone = 1500 * kMs;
  EXPECT_EQ(fault.held_until(), *fault.undone);
}

TEST(ValidityTest, ASteadyRunNeedsNoFaults) {
  auto run = GoodRun();
  run.fault_lines.clear();
  run.faults.clear();
  Expectations counts = Strict();
  counts.erase(Measure::kReadyP99);
  counts.erase(Measure::kRecoveryP99);
  EXPECT_EQ(Judge(run, counts).verdict, Verdict::kPass);
  const auto judgement = Judge(run, Strict());
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid) << "nothing died, so nothing took its time";
  EXPECT_THAT(judgement.reasons, ElementsAre("replacement ready p99: could not be measured",
                                             "recovery p99: could not be measured"));
}

TEST(ValidityTest, AServerThatCouldNotBeSeenIsNotTakenForAGoodOne) {
  RunRecord run = GoodRun();
  run.after->descriptors.reset();
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kPass) << "nobody asked for descriptors";
  const auto unread = Judge(run, {{Measure::kLeaked, 0}, {Measure::kMissingWorkers, 0}});
  EXPECT_EQ(unread.verdict, Verdict::kInvalid);
  EXPECT_FALSE(unread.measured.contains(Measure::kLeaked));
  EXPECT_THAT(unread.reasons, ElementsAre(HasSubstr("more than at the start: could not be counted")));
  run.after.reset();
  const auto unseen = Judge(run, DefaultExpectations());
  EXPECT_EQ(unseen.verdict, Verdict::kInvalid);
  EXPECT_THAT(unseen.reasons, ElementsAre("dead children that nobody has reaped: could not be counted"));
  run.problems = {"the server's main process ended during the run"};
  const auto ended = Judge(run, DefaultExpectations());
  EXPECT_EQ(ended.verdict, Verdict::kFail);
  EXPECT_EQ(ended.reasons, run.problems);
}

}  // namespace
}  // namespace hydrapool::harness
