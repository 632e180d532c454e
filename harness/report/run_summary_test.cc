#include "harness/report/run_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "harness/report/live_text.h"
#include "harness/report/run_html.h"
#include "harness/testing/runs.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;
using testing::Not;

const RunTitle kTitle{.name = "storm <1>",
                      .proves = "it holds",
                      .seed = 7,
                      .replay = "harness run a.yaml --seed 7",
                      .evidence = {}};

RunRecord BadRun() {
  RunRecord run = GoodRun();
  run.failures = {LostAt(1000 * kMs), LostAt(5000 * kMs)};
  return run;
}

const Expectations kNoLoss{{Measure::kLost, 0}, {Measure::kUnexplained, 0}, {Measure::kReapP99, 100 * kMs}};

TEST(RunJUnitTest, EachExpectationAndTheRunAreTests) {
  const RunRecord good = GoodRun();
  const auto passed = RunJUnit(kTitle, good, Judge(good, kNoLoss), kNoLoss);
  EXPECT_THAT(
      passed,
      HasSubstr(
          "<testsuite name=\"storm &lt;1&gt;\" tests=\"4\" failures=\"0\" errors=\"0\" time=\"10.000\">"));
  EXPECT_THAT(passed, Not(HasSubstr("<failure")));
  const RunRecord bad = BadRun();
  const auto failed = RunJUnit(kTitle, bad, Judge(bad, kNoLoss), kNoLoss);
  EXPECT_THAT(failed, HasSubstr("tests=\"4\" failures=\"3\" errors=\"0\""));
  EXPECT_THAT(failed, HasSubstr("name=\"requests lost: at most 0\"><failure message=\"it is 2\"/>"));
  EXPECT_THAT(failed, HasSubstr("<failure message=\"FAIL\">requests lost: 2, at most 0 expected"));
}

TEST(RunJUnitTest, WhatProvesNothingIsAnError) {
  RunRecord run = GoodRun();
  run.faults.clear();
  const auto xml = RunJUnit(kTitle, run, Judge(run, kNoLoss), kNoLoss);
  EXPECT_THAT(xml, HasSubstr("errors=\"1\""));
  EXPECT_THAT(xml, HasSubstr("<error message=\"INVALID\">no fault landed"));
  EXPECT_THAT(xml, HasSubstr("<skipped message=\"could not be measured\"/>")) << "nobody was reaped";
}

TEST(RunSummaryTest, ATimeThatNeverCameIsNeverAndWhatIsNoUtf8IsReplaced) {
  RunRecord run = GoodRun();
  for (FaultRecord& fault : run.faults) fault.timeline.first_response.reset();
  run.problems = {"its last line: caf\xe9"};
  const Expectations expected{{Measure::kRecoveryP99, 50 * kMs}};
  const Judgement judgement = Judge(run, expected);
  const auto xml = RunJUnit(kTitle, run, judgement, expected);
  EXPECT_THAT(xml, HasSubstr("<failure message=\"it is never\"/>"));
  EXPECT_THAT(xml, HasSubstr("its last line: caf\uFFFD"));
  EXPECT_THAT(xml, Not(HasSubstr("\xe9")));
  const auto text = RunMarkdown(kTitle, run, judgement);
  EXPECT_THAT(text, HasSubstr("| recovery p99 | never |"));
  EXPECT_THAT(text, HasSubstr("- its last line: caf\uFFFD"));
}

TEST(RunMarkdownTest, BeginsWithTheVerdictAndItsReasons) {
  const RunRecord run = BadRun();
  const auto text = RunMarkdown(kTitle, run, Judge(run, kNoLoss));
  EXPECT_TRUE(text.starts_with("## FAIL storm &lt;1>\n")) << text;
  EXPECT_THAT(text, HasSubstr("- requests lost: 2, at most 0 expected"));
  EXPECT_THAT(text, HasSubstr("| kill | worker | dead | confirmed | 2 |"));
  EXPECT_THAT(text, HasSubstr("Again: `harness run a.yaml --seed 7`"));
}

TEST(RunMetricsTest, CountFaultsAndTellTheVerdictWhenItIsOver) {
  RunRecord run = BadRun();
  const std::string kills =
      "harness_faults_total{fault=\"kill\",role=\"worker\",outcome=\"dead\",proof=\"confirmed\"} 2\n";
  const auto during = RunMetrics(run.faults, nullptr);
  EXPECT_THAT(during, HasSubstr(kills));
  EXPECT_THAT(during, HasSubstr("harness_over 0\n"));
  EXPECT_THAT(during, Not(HasSubstr("harness_verdict")));
  const Judgement judgement = Judge(run, kNoLoss);
  const auto after = RunMetrics(run.faults, &judgement);
  EXPECT_THAT(after, HasSubstr("harness_verdict{verdict=\"FAIL\"} 1\n"));
  EXPECT_THAT(after, HasSubstr("harness_verdict{verdict=\"PASS\"} 0\n"));
  EXPECT_THAT(after, HasSubstr("harness_unexplained 1\n"));
}

TEST(RunHtmlTest, IsWholeAndNeedsNothingElse) {
  RunRecord run = BadRun();
  run.notes = {"</script><script>alert(1)"};
  run.lives = {
      {.identity = run.faults[0].worker->identity, .slot = 0, .to = 1002 * kMs},
      {.identity = {.pid = 200, .start_time = 2}, .slot = 0, .from = 1002 * kMs, .ready = 1003 * kMs}};
  run.loads[0].report = R"({"start_unix_ms":0,"series":{"width_s":1,"rows":[{"begin_s":0,"sent":3,
      "outcomes":{"ok":2,"timeout":1},"rate":3,"p50_us":10,"p90_us":20,"p99_us":30,"max_us":40}]}})";
  const auto html = RunHtml(kTitle, run, Judge(run, kNoLoss));
  const auto has = [&html](std::string_view text) { return html.find(text) != html.npos; };
  EXPECT_TRUE(has("<title>harness: storm &lt;1></title>"));
  EXPECT_FALSE(has("<script>alert"));
  EXPECT_TRUE(has("\"errors\":1.0"));
  EXPECT_TRUE(has("{\"name\":\"worker 0\",\"head\":false,\"lives\":[{\"pid\":100,"));
  EXPECT_TRUE(has("{\"t\":1.0,\"what\":\"1 kill of pid 100 at 1000 ms\"}"));
  for (const auto* outside : {"<script src", "<link", "<img", "@import", "url("})
    EXPECT_FALSE(has(outside)) << outside;
}

TEST(LiveTextTest, TellsHowFarItIsAndWhatIsLeftOfTheBudget) {
  Progress progress{.elapsed = 3 * sys::kSecond, .duration = 6 * sys::kSecond, .landed = 2, .allowed = 5};
  progress.failed = {{FailureKind::kLost, 1}, {FailureKind::kAbandoned, 7}};
  progress.server.workers = {{.identity = {.pid = 41}, .slot = 0, .busy = 1},
                             {.identity = {.pid = 42}, .slot = 1, .leaving = true}};
  const std::string text = LiveText(progress, 80);
  EXPECT_THAT(text, testing::HasSubstr("[===============               ] 3.0 of 6.0 s\n"));
  EXPECT_THAT(text, testing::HasSubstr("0:41*  1:42 leaves\n"));
  EXPECT_THAT(text, testing::HasSubstr("1 lost, 0 cut of 5 allowed; 7 abandoned, 0 refused\n"));
  progress.server = {};
  EXPECT_THAT(LiveText(progress, 80), testing::HasSubstr("no worker is there"));
}

TEST(LiveTextTest, NoLineIsLongerThanTheScreen) {
  Progress progress{.duration = sys::kSecond, .last_fault = std::string(100, 'x')};
  for (int slot = 0; slot < 12; ++slot)
    progress.server.workers.push_back({.identity = {.pid = 4'000'000 + slot}, .slot = slot, .leaving = true});
  std::istringstream lines(LiveText(progress, 60));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const bool is_cut = line.ends_with("…");
    EXPECT_LE(line.size(), is_cut ? 59 + std::string("…").size() : 60) << line;
  }
  EXPECT_EQ(count, 4);
}

}  // namespace
}  // namespace hydrapool::harness
