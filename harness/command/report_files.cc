#include "harness/command/report_files.h"

#include <fcntl.h>
#include <unistd.h>

#include "harness/command/cli.h"
#include "harness/command/screen.h"
#include "harness/report/run_html.h"
#include "harness/report/run_summary.h"

namespace hydrapool::harness {

void AddReportOptions(CLI::App& app, ReportFiles& files) {
  app.add_option("--json", files.json, "Write the result as JSON; - for stdout")->type_name("FILE");
  app.add_option("--report", files.html,
                 "Write a page for people: latencies, faults, lives of workers, failed requests")
      ->type_name("FILE.html");
  app.add_option("--junit", files.junit, "Write each expectation as a test of JUnit's XML")
      ->type_name("FILE");
  app.add_option("--summary", files.summary, "Append the result as Markdown, as CI pages show it")
      ->type_name("FILE");
  app.add_option("--journal", files.journal, "Write each fault as a line of JSON, as harness replay reads it")
      ->type_name("FILE");
  app.add_option("--metrics", files.metrics,
                 "Serve harness_faults_total, and at the end harness_verdict, to Prometheus; when the run is "
                 "over, until it has asked once more, for at most 20 s")
      ->type_name("HOST:PORT");
}

sys::Result<void> CheckWritable(const ReportFiles& files) {
  for (const std::string* path : {&files.json, &files.html, &files.junit, &files.journal}) {
    if (auto writable = CheckWritable(*path); !writable) return writable;
  }
  return CheckAppendable(files.summary);
}

bool WriteReports(const ReportFiles& files, const RunTitle& title, const RunRecord& run,
                  const Judgement& judgement, const Expectations& expected) {
  bool written = WriteReport(files.junit, O_TRUNC, RunJUnit(title, run, judgement, expected));
  if (!files.html.empty()) written &= WriteReport(files.html, O_TRUNC, RunHtml(title, run, judgement));
  written &= WriteReport(files.journal, O_TRUNC, RunJournal(run));
  written &= WriteReport(files.summary, O_APPEND, RunMarkdown(title, run, judgement));
  const auto columns = ColumnsOf(files.json == "-" ? STDERR_FILENO : STDOUT_FILENO);
  return PrintResults(RunText(title, run, judgement, columns), RunJson(title, run, judgement), files.json) &&
         written;
}

}  // namespace hydrapool::harness
