#pragma once

#include <string>

#include "harness/observe/run_record.h"
#include "harness/report/run_report.h"
#include "harness/verdict/expectations.h"
#include "harness/verdict/verdict.h"

/// A run for programs that show or count it.
namespace hydrapool::harness {

/// Markdown, as GitHub, GitLab and Gitea show it (`--summary "$GITHUB_STEP_SUMMARY"`). Pure.
[[nodiscard]] std::string RunMarkdown(const RunTitle& title, const RunRecord& run,
                                      const Judgement& judgement);

/// JUnit's XML, as Jenkins, GitLab and others read it: one suite, in which each expectation is a test, and
/// the run itself, which fails with the verdict's reasons or is an error where it is INVALID or ABORTED.
/// Pure.
[[nodiscard]] std::string RunJUnit(const RunTitle& title, const RunRecord& run, const Judgement& judgement,
                                   const Expectations& expected);

/// Prometheus' text: harness_faults_total by fault, role, outcome and proof; harness_over; and once that is 1
/// also harness_verdict and harness_unexplained. `judgement` nullptr: the run goes on. Pure.
[[nodiscard]] std::string RunMetrics(const std::vector<FaultRecord>& faults, const Judgement* judgement);

}  // namespace hydrapool::harness
