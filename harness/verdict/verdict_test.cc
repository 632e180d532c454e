#include "harness/verdict/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/run_report.h"
#include "harness/testing/runs.h"
#include "pool/testing/json.h"

namespace hydrapool::harness {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(JudgeTest, AGoodRunPassesWithoutReasons) {
  const auto judgement = Judge(GoodRun(), Strict());
  EXPECT_EQ(judgement.verdict, Verdict::kPass);
  EXPECT_THAT(judgement.reasons, IsEmpty());
}

TEST(JudgeTest, NoReplacementIsWaitedForWhereAProgramWasKilled) {
  RunRecord run = GoodRun();
  FaultRecord program = Kill(9, 1500 * kMs, 0);
  program.worker->role = Role::kProgram;
  program.timeline.ready = program.timeline.first_response = std::nullopt;
  run.faults.push_back(program);
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kPass);
}

/// What goes wrong in a run that is good otherwise, and how the verdict names it.
struct Flaw {
  std::string name;
  void (*plant)(RunRecord&);
  std::string reason;
};
void PrintTo(const Flaw& flaw, std::ostream* out) { *out << flaw.name; }

class FlawTest : public testing::TestWithParam<Flaw> {};

TEST_P(FlawTest, FailsAndIsNamed) {
  auto run = GoodRun();
  GetParam().plant(run);
  const auto judgement = Judge(run, Strict());
  EXPECT_EQ(judgement.verdict, Verdict::kFail);
  EXPECT_THAT(judgement.reasons, Contains(HasSubstr(GetParam().reason)));
}

INSTANTIATE_TEST_SUITE_P(
    All, FlawTest,
    testing::Values(
        Flaw{"LostRequest", [](RunRecord& run) { run.failures = {LostAt(2000 * kMs)}; },
             "requests lost: 1, at most 0 expected; most at fault 2 (kill of pid 101, slot 1): 1"},
        Flaw{"UnexplainedFailure", [](RunRecord& run) { run.failures = {LostAt(5000 * kMs)}; },
             "no fault explains: 1, at most 0 expected; the first: reset at http://h/ after 5001 ms"},
        Flaw{"Duplicate", [](RunRecord& run) { run.ids.duplicated = 1; }, "answers beyond the one: 1"},
        Flaw{"AnothersAnswer", [](RunRecord& run) { run.ids.wrong = 1; }, "answers that are another's: 1"},
        Flaw{"CutAnswer",
             [](RunRecord& run) {
               run.failures = {LostAt(2000 * kMs)};
               run.failures[0].kind = FailureKind::kCut;
             },
             "answers cut: 1"},
        Flaw{"IdleConnectionLost", [](RunRecord& run) { run.resting.lost = 3; }, "idle connections lost: 3"},
        Flaw{"PoolThatRescuesNothing",
             [](RunRecord& run) {
               run.pool.totals = PoolStatus::Totals{};
               run.failures = {LostAt(2000 * kMs)};
             },
             "the pool rescued nothing at 2 deaths"},
        Flaw{"SlotThatNeverAnswersAgain",
             [](RunRecord& run) { run.faults[1].timeline.first_response.reset(); }, "recovery p99: never"},
        Flaw{"ReplacementThatIsLate", [](RunRecord& run) { *run.faults[1].timeline.ready += 100 * kMs; },
             "replacement ready p99: 102 ms"},
        Flaw{"ServerThatEnded", [](RunRecord& run) { run.problems = {"the server ended before its time"}; },
             "the server ended"}),
    [](const auto& flaw) { return flaw.param.name; });

TEST(JudgeTest, AnUnexplainedFailureFailsEvenWhereLossesAreNotJudged) {
  auto run = GoodRun();
  run.failures = {LostAt(5000 * kMs)};
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kFail);
  run.failures = {LostAt(2000 * kMs)};
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kPass);
}

TEST(JudgeTest, AReplacementThatWasHitToo_OrCameAtTheEnd_IsNotHeldAgainstIt) {
  auto run = GoodRun();
  run.faults[1].timeline.first_response.reset();
  run.faults[1].timeline.superseded = true;
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kPass);
  run.faults[1].timeline.superseded = false;
  run.load_end = run.faults[1].at + 500 * kMs;
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kPass);
}

TEST(JudgeTest, ATimeThatAStandstillOfTheMachineMayAccountForIsNotProved) {
  auto run = GoodRun();
  *run.faults[1].timeline.ready += 100 * kMs;
  const sys::Nanos dead = *run.faults[1].timeline.dead;
  run.standstills = {{.from = dead - 500 * kMs, .to = dead + 60 * kMs}};
  const auto judgement = Judge(run, Strict());
  EXPECT_EQ(judgement.verdict, Verdict::kInvalid);
  EXPECT_THAT(judgement.reasons,
              ElementsAre("replacement ready p99: 102 ms, at most 50 ms expected; not proved, "
                          "for this machine stood still for 560 ms"));
  run.standstills[0].to = dead + 40 * kMs;
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kFail) << "62 ms are its own";
  run.standstills = {{.from = dead + 200 * kMs, .to = dead + 900 * kMs}};
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kFail) << "that was later";
}

TEST(JudgeTest, WhatHadNoTimeToComeForAStandstillIsNotProved) {
  auto run = GoodRun();
  run.faults[1].timeline.first_response.reset();
  run.standstills = {{.from = run.faults[1].at, .to = run.load_end - sys::kSecond}};
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kInvalid);
  run.faults[0].timeline.first_response.reset();
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kFail) << "that had a second";
}

TEST(JudgeTest, AFaultReachesAsMuchFurtherAsTheMachineStoodStill) {
  auto run = GoodRun();
  run.failures = {LostAt(2300 * kMs)};
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kFail);
  run.standstills = {{.from = 500 * kMs, .to = 700 * kMs}, {.from = 2050 * kMs, .to = 2290 * kMs}};
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kPass);
  run.standstills.back().to = 2150 * kMs;
  EXPECT_EQ(Judge(run, DefaultExpectations()).verdict, Verdict::kFail);
}

TEST(JudgeTest, AStandstillAccountsForLateAnswersButForNoCpuTime) {
  auto run = GoodRun();
  run.loads[0].response_p99 = 200 * kMs;
  run.before->cpu = 0;
  run.after->cpu = sys::kSecond;
  run.standstills = {{.from = 0, .to = 190 * kMs}};
  EXPECT_EQ(Judge(run, {{Measure::kResponseP99, 20 * kMs}}).verdict, Verdict::kInvalid);
  EXPECT_EQ(Judge(run, {{Measure::kResponseP99, 5 * kMs}}).verdict, Verdict::kFail);
  EXPECT_EQ(Judge(run, {{Measure::kCpuPerRequest, 100}}).verdict, Verdict::kFail);
}

TEST(JudgeTest, AServerThatNoLongerServedIsAborted) {
  auto run = GoodRun();
  run.breach = "no request was answered for 1 s";
  const auto judgement = Judge(run, {});
  EXPECT_EQ(judgement.verdict, Verdict::kAborted);
  EXPECT_THAT(judgement.reasons, ElementsAre("no request was answered for 1 s"));
}

TEST(JudgeTest, InterruptedIsAborted) {
  auto run = GoodRun();
  run.interrupted = true;
  run.ids.duplicated = 1;
  EXPECT_EQ(Judge(run, Strict()).verdict, Verdict::kAborted);
}

TEST(VerdictTest, ExitCodesAreThePromisedOnes) {
  EXPECT_EQ(ExitCodeOf(Verdict::kPass), 0);
  EXPECT_EQ(ExitCodeOf(Verdict::kFail), 1);
  EXPECT_EQ(ExitCodeOf(Verdict::kInvalid), 3);
  EXPECT_EQ(ExitCodeOf(Verdict::kAborted), 4);
}

TEST(RunJsonTest, HasThePromisedMembers) {
  auto run = GoodRun();
  run.failures = {LostAt(2000 * kMs)};
  run.loads[0].unsent = 7;
  run.loads[0].achieved = 0.99;
  run.faults[1].timeline.unobserved = true;
  run.faults[1].timeline.successor = 4711;
  const auto judgement = Judge(run, Strict());
  const auto json = support::ParseJson(
      RunJson({.name = "storm", .proves = "", .seed = 7, .replay = "harness run x --seed 7", .evidence = ""},
              run, judgement));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["verdict"], "FAIL");
  EXPECT_EQ(json["seed"], 7);
  EXPECT_EQ(
      json["faults"][1]["timeline_us"],
      (nlohmann::json{
          {"dead", 1000}, {"reaped", 2000}, {"forked", 2000}, {"ready", 3000}, {"first_response", 11000}}));
  EXPECT_EQ(json["faults"][1]["unobserved"], true);
  EXPECT_EQ(json["faults"][1]["replaced_by"], 4711);
  EXPECT_EQ(json["faults"][0]["replaced_by"], nullptr);
  EXPECT_EQ(json["faults"][1]["lost"], 1);
  EXPECT_EQ(json["faults"][1]["slot"], 1);
  EXPECT_EQ(json["requests"]["lost"], 1);
  EXPECT_EQ(json["requests"]["rescued"], 5);
  EXPECT_EQ(json["per_fault"]["lost"], 0.5);
  EXPECT_EQ(json["requests"]["unsent"], 7);
  EXPECT_EQ(json["requests"]["idle_answered"], 16);
  EXPECT_EQ(json["load"][0]["unsent"], 7);
  EXPECT_EQ(json["load"][0]["achieved"], 0.99);
  EXPECT_EQ(json["measured"]["recovery_p99"], 10000);
}

TEST(RunTextTest, SaysTheVerdictWhyAndHowToSeeItAgain) {
  auto run = GoodRun();
  run.ids.duplicated = 1;
  const auto text = RunText(
      {.name = "storm", .proves = "x", .seed = 7, .replay = "harness run x --seed 7", .evidence = "/tmp/y"},
      run, Judge(run, Strict()));
  EXPECT_THAT(text, HasSubstr("\n  FAIL\n    answers beyond the one: 1, at most 0 expected\n"));
  EXPECT_THAT(text, HasSubstr("again      harness run x --seed 7"));
  EXPECT_THAT(text, HasSubstr("look at    /tmp/y"));
  EXPECT_THAT(text, Not(HasSubstr("unobserved")));
  run.faults[0].timeline.unobserved = true;
  EXPECT_THAT(RunText({}, run, Judge(run, Strict())), HasSubstr("(± 2 ms); 1 unobserved\n"));
}

TEST(JudgeTest, TheServerItselfIsHeldAgainstWhatItWas) {
  RunRecord run = GoodRun();
  run.before = ServerState{.workers = 4, .descriptors = 20};
  run.after = ServerState{.workers = 3, .unreaped = {{.pid = 7}, {.pid = 8}}, .descriptors = 23};
  const auto judgement =
      Judge(run, {{Measure::kUnreaped, 0}, {Measure::kMissingWorkers, 0}, {Measure::kLeaked, 3}});
  EXPECT_EQ(judgement.verdict, Verdict::kFail);
  EXPECT_EQ(judgement.measured.at(Measure::kMissingWorkers), 1);
  EXPECT_EQ(judgement.measured.at(Measure::kExtraWorkers), 0);
  EXPECT_EQ(judgement.measured.at(Measure::kLeaked), 3);
  EXPECT_EQ(judgement.reasons.size(), 2u);
}

TEST(RunJsonTest, WhatIsNoUtf8IsReplaced) {
  auto run = GoodRun();
  run.problems = {"its last line: \xff\xfe caf\xe9"};
  run.faults[0].reason = "\xc3";
  const auto json = support::ParseJson(RunJson({}, run, Judge(run, Strict())));
  EXPECT_EQ(json["verdict"], "FAIL");
  EXPECT_EQ(json["reasons"][0], "its last line: \uFFFD\uFFFD caf\uFFFD");
}

}  // namespace
}  // namespace hydrapool::harness
