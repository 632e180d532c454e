#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "harness/report/run_report.h"
#include "harness/verdict/expectations.h"
#include "harness/verdict/verdict.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// Where a run is told beside the screen; empty: nowhere.
struct ReportFiles {
  std::string json = {};  ///< "-": stdout.
  std::string html = {};
  std::string junit = {};
  std::string summary = {};  ///< Markdown; is appended to.
  std::string journal = {};  ///< Of the faults, for `harness replay`.
  std::string metrics = {};  ///< HOST:PORT, for Prometheus.
};

void AddReportOptions(CLI::App& app, ReportFiles& files);

/// An Error where one cannot be written; to be asked before a run, for it empties all but the summary.
[[nodiscard]] sys::Result<void> CheckWritable(const ReportFiles& files);

/// Prints the screen and writes the files. False, with a line on stderr, where one cannot be written.
bool WriteReports(const ReportFiles& files, const RunTitle& title, const RunRecord& run,
                  const Judgement& judgement, const Expectations& expected);

}  // namespace hydrapool::harness
