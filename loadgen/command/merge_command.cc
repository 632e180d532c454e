#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "loadgen/command/cli.h"
#include "loadgen/command/help.h"
#include "loadgen/command/output_files.h"
#include "loadgen/plan/figures.h"
#include "loadgen/plan/target_list.h"
#include "loadgen/plan/text_file.h"
#include "loadgen/report/hdr_log.h"
#include "loadgen/report/report_reader.h"
#include "loadgen/report/terminal_text.h"
#include "loadgen/report/text_chart.h"

namespace hydrapool::loadgen {
namespace {

constexpr HelpTexts kMergeHelp = {
    .usage = "loadgen merge [OPTIONS] FILES...",
    .examples = R"(  loadgen merge host-*.json --json all.json --html all.html
  loadgen merge a.hlog b.hlog --hdr-log both.hlog --hgrm both.hgrm
)",
    .notes = R"(Several runs at the same time, or the parts of one (--replica), become one:
exactly what one run of them all would have been. FILES are JSON reports of
loadgen, or HdrHistogram interval logs with its buckets (lowest value 1, 3
digits); - is standard input. One file is fine: it is written in other forms.
Of the parts of one each must be there once: one that is missing makes the
result INVALID, one that is there twice is refused, and so is one of another
plan (its URLs, rate, duration, start …) unless --any-plan is given.

Exit codes:
  0  merged
  1  not one request of all runs was answered, or an output failed
  2  wrong usage, a file that is none of these, one that is there twice or that
     an output would overwrite, or parts of different runs
  3  one of the runs was INVALID, or a part of one is missing
  4  one of the runs ended by an --abort-on
 99  an --slo was missed
)"};

constexpr std::size_t kMostTag = 24;

/// Logs side by side on the wall clock: intervals of one tag that begin together become one.
HdrLog MergeLogs(const std::vector<HdrLog>& logs) {
  HdrLog merged{.start_unix_ms = std::ranges::min_element(logs, {}, &HdrLog::start_unix_ms)->start_unix_ms};
  std::map<std::pair<sys::Nanos, std::string>, HdrInterval> by_begin;
  for (const auto& log : logs) {
    for (const auto& interval : log.intervals) {
      const auto begin = interval.begin + (log.start_unix_ms - merged.start_unix_ms) * sys::kMillisecond;
      auto& both = by_begin[{begin, interval.tag}];
      both.tag = interval.tag;
      both.begin = begin;
      both.length = std::max(both.length, interval.length);
      both.histogram.Merge(interval.histogram);
    }
  }
  for (auto& [key, interval] : by_begin) merged.intervals.push_back(std::move(interval));
  return merged;
}

std::map<std::string, LatencyHistogram> ByTag(const HdrLog& log) {
  std::map<std::string, LatencyHistogram> tags;
  for (const auto& interval : log.intervals) interval.histogram.AddTo(tags[interval.tag]);
  return tags;
}

std::string LogText(const HdrLog& log) {
  std::string text = fmt::format("{:<{}}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "", kMostTag, "values", "p50",
                                 "p90", "p99", "p99.9", "max");
  for (const auto& [tag, histogram] : ByTag(log)) {
    text += Padded(tag.empty() ? "(no tag)" : Printable(tag, kMostTag - 2), kMostTag) +
            fmt::format("{:>10}", histogram.count());
    for (const double p : {50.0, 90.0, 99.0, 99.9})
      text += fmt::format("{:>9}", PercentileText(histogram, p));
    text += fmt::format("{:>9}\n", FormatMicros(static_cast<double>(histogram.max())));
  }
  return text;
}

int ConcludeLogs(const std::vector<HdrLog>& logs, const Outputs& outputs, DistinctFiles distinct) {
  if (!outputs.json.empty() || !outputs.csv.empty() || !outputs.html.empty() || !outputs.summary.empty() ||
      !outputs.junit.empty() || !outputs.slos.empty())
    return Complain(kUsage, "of interval logs only --hdr-log and --hgrm can be made");
  const auto merged = MergeLogs(logs);
  const auto files =
      TextFiles::Open({{"--hdr-log", outputs.hdr_log}, {"--hgrm", outputs.hgrm}}, std::move(distinct));
  if (!files) return Complain(kUsage, files.error().message);
  const auto written = files->Write(LogText(merged), [&merged](const std::string& flag) {
    return flag == "--hdr-log" ? HdrText(merged) : HgrmText(ByTag(merged)[""]);
  });
  return written ? kRan : Complain(kNothing, written.error().message);
}

int ConcludeReports(const std::vector<Report>& reports, bool any_plan, const Outputs& outputs,
                    DistinctFiles distinct) {
  const auto open = [](const Report& report) { return report.plan.arrivals.rate.has_value(); };
  if (std::ranges::any_of(reports, open) && !std::ranges::all_of(reports, open))
    return Complain(kUsage, "open and closed loops cannot be merged: no one run could be both");
  if (const auto wrong = WrongParts(reports, any_plan); !wrong.empty()) return Complain(kUsage, wrong);
  auto slos = outputs.slos;
  if (const auto aimed = AimAt(TargetNames(MergeReports(reports, {}).plan), slos); !aimed)
    return Complain(kUsage, aimed.error().message);
  auto merged = MergeReports(reports, slos);
  const auto shaded = AddFaults(outputs, merged);
  if (!shaded) return Complain(kUsage, shaded.error().message);
  const auto files = OutputFiles::Open(outputs, std::move(distinct));
  if (!files) return Complain(kUsage, files.error().message);
  if (const auto written = files->Write(merged); !written) return Complain(kNothing, written.error().message);
  return CodeOf(merged);
}

}  // namespace

int MergeCommand(int argc, const char* const* argv) {
  CLI::App app("Makes one report of several.", "loadgen merge");
  SetHelp(app, kMergeHelp);
  std::vector<std::string> paths;
  app.add_option("FILES", paths, "JSON reports, or interval logs")->required()->type_name("")->group("Input");
  bool any_plan = false;
  app.add_flag("--any-plan", any_plan, "merge replicas although they are of different plans")->group("Input");
  OutputOptions flags;
  flags.AddForMerge(app);
  if (const auto code = ParseFlags(app, argc, argv)) return *code;
  const auto outputs = flags.Understand();
  if (!outputs) return Complain(kUsage, outputs.error().message);
  std::vector<Report> reports;
  std::vector<HdrLog> logs;
  std::map<std::string, std::string> read;
  DistinctFiles distinct;
  for (const auto& path : paths) {
    distinct.Spare("one of FILES", path);
    const auto text = ReadWholeFile(path);
    if (!text) return Complain(kUsage, text.error().message);
    if (text->starts_with('{')) {
      auto report = ReadReport(*text);
      if (!report) return Complain(kUsage, fmt::format("{}: {}", path, report.error().message));
      const auto [same, is_new] = read.try_emplace(*text, path);
      if (!is_new) return Complain(kUsage, fmt::format("{} and {} are one report", same->second, path));
      reports.push_back(std::move(*report));
    } else {
      auto log = ParseHdrLog(*text);
      if (!log) return Complain(kUsage, fmt::format("{}: {}", path, log.error().message));
      logs.push_back(std::move(*log));
    }
  }
  if (!reports.empty() && !logs.empty())
    return Complain(kUsage, "JSON reports and interval logs cannot be merged with each other");
  return logs.empty() ? ConcludeReports(reports, any_plan, *outputs, std::move(distinct))
                      : ConcludeLogs(logs, *outputs, std::move(distinct));
}

}  // namespace hydrapool::loadgen
