#include "loadgen/command/exit_code.h"

#include <gtest/gtest.h>

#include "loadgen/report/report.h"
#include "loadgen/report/report_summary.h"

namespace hydrapool::loadgen {
namespace {

/// A run of one request that was answered, or is still in flight at the end.
Report RunOf(bool answered) {
  RunResult run{.scheduled = 1, .duration = sys::kSecond, .sending = sys::kSecond};
  run.tally.Sent({}, true);
  if (answered) {
    run.tally.Finished({}, {.outcome = Outcome::kOk, .end = sys::kMillisecond, .status = 200});
  } else {
    run.tally.InFlightAtEnd({}, sys::kSecond);
  }
  return MakeReport("raw", {.targets = {{.url = "http://h/"}}}, std::move(run));
}

TEST(ExitCodeTest, IsTheVerdictOfTheSummaryAndOfJUnit) {
  for (int i = 0; i < 16; ++i) {
    auto report = RunOf((i & 1) == 0);
    report.self.valid = (i & 2) == 0;
    if (!report.self.valid) report.self.reason = "late";
    if ((i & 4) != 0) report.aborted = "errors>5% after 3 s";
    report.slos = {{.text = "p99<50ms", .met = (i & 8) == 0, .shown = "1 ms", .samples = 1}};
    const bool passed = CodeOf(report) == kRan;
    EXPECT_EQ(ToMarkdown(report).starts_with("## loadgen: passed"), passed) << i;
    EXPECT_EQ(ToJUnit(report).find("failures=\"0\" errors=\"0\"") != std::string::npos, passed) << i;
    EXPECT_EQ(passed, i == 0);
  }
}

TEST(ExitCodeTest, TellsWhyItDidNotPass) {
  auto report = RunOf(false);
  EXPECT_EQ(CodeOf(report), kNothing);
  report.slos = {{.text = "p99<50ms", .shown = "none"}};
  EXPECT_EQ(CodeOf(report), kNothing) << "an objective of nothing";
  report.self.valid = false;
  EXPECT_EQ(CodeOf(report), kInvalid);
  report.aborted = "errors>5% after 3 s";
  EXPECT_EQ(CodeOf(report), kAborted);
  auto missed = RunOf(true);
  missed.slos = {{.text = "p99<50ms", .shown = "none"}};
  EXPECT_EQ(CodeOf(missed), kMissed);
}

}  // namespace
}  // namespace hydrapool::loadgen
