#pragma once

#include <string>

#include "loadgen/report/report.h"

/// A report for those who read it in a CI system.
namespace hydrapool::loadgen {

/// Markdown: whether it passed, the objectives with what came of them, the figures, the errors. GitHub,
/// GitLab and Gitea show it as it is (`--summary "$GITHUB_STEP_SUMMARY"`). Pure.
std::string ToMarkdown(const Report& report);

/// JUnit's XML, as Jenkins, GitLab, Azure and others read it: one suite, in which each objective is a test,
/// as are "a server answered", "the run is valid" (an error where it is not: the figures are then not the
/// server's) and, where there was one to come true, that no --abort-on did. Pure.
std::string ToJUnit(const Report& report);

/// CI systems that turn lines of a job's output into annotations.
enum class CiSystem {
  kGitHub,    ///< And Gitea, Forgejo: `::error title=…::…`
  kAzure,     ///< `##vso[task.logissue type=error]…`
  kTeamCity,  ///< `##teamcity[buildProblem description='…']`
};

/// A line for each thing that had to hold and did not (those of ToJUnit); empty where all held. Pure.
std::string ToAnnotations(const Report& report, CiSystem system);

}  // namespace hydrapool::loadgen
