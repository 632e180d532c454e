#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "loadgen/command/cli.h"
#include "loadgen/command/help.h"
#include "loadgen/command/output_files.h"
#include "loadgen/plan/figures.h"
#include "loadgen/plan/text_file.h"
#include "loadgen/report/comparison.h"
#include "loadgen/report/report_reader.h"
#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {
namespace {

constexpr double kManyfold = 9;
constexpr double kMost = 100;
constexpr std::size_t kVerdictColumns = 80;
constexpr std::size_t kVerdictIndent = 9;

constexpr HelpTexts kCompareHelp = {
    .usage = "loadgen compare [OPTIONS] A B",
    .examples = R"(  loadgen -R 2000 -d 60s --json before.json URL
  loadgen -R 2000 -d 60s --json after.json URL
  loadgen compare before.json after.json
)",
    .notes = R"(How B differs from A: the runs' own rate, response percentiles of ok answers and
share of errors. How far each may be off by chance is asked of the run's own
seconds, drawn again in blocks (circular block bootstrap; the intervals hold at
95 % confidence for all figures together). Four verdicts:
  better, worse       of a figure the interval lies beyond 0
  no difference larger than X %, where X is at most --resolution (4 times that
                      for p99.9)
  nothing can be said the interval is too wide, or a single stall might be it
What differs from run to run and not within one is not seen: repeat runs.

Exit codes:
  0  B is not worse: better, or no difference larger than that
  1  B is worse in some figure, or an output failed
  2  wrong usage, or a file that is no JSON report of loadgen
  3  nothing can be said: also too few seconds, or a run that was INVALID
)"};

std::string Shown(const Difference& d, double value) {
  if (d.measure == "rate") return fmt::format("{:.1f}/s", value);
  if (d.measure == "errors") return fmt::format("{:.3g} %", 100 * value);
  return FormatMicros(value);
}

std::string Percent(double share) {
  if (share + 1 > kMost) return fmt::format(">{:.0f} x", kMost);
  if (share >= kManyfold) return fmt::format("{:.0f} x", share + 1);
  return fmt::format("{:+.{}f} %", 100 * share, std::abs(share) < 1 ? 1 : 0);
}

std::string Words(const Difference& d) {
  if (d.measure == "max") return d.suspicious ? "one answer each: a stall?" : "one answer each";
  if (d.too_few) return "too few requests";
  if (d.verdict == CompareVerdict::kUnclear) return "nothing can be said";
  if (d.verdict != CompareVerdict::kSame) return std::string(Name(d.verdict));
  return fmt::format("within {:.1f} %", 100 * d.within());
}

std::string Table(const std::vector<Difference>& differences) {
  std::string text = fmt::format("{:<8}{:>11}{:>11}{:>10}  {:<21}\n", "", "A", "B", "change", "interval");
  for (const auto& d : differences) {
    const auto interval = d.too_few ? "" : fmt::format("{} to {}", Percent(d.low), Percent(d.high));
    text += fmt::format("{:<8}{:>11}{:>11}{:>10}  {:<21}{}\n", d.measure, d.a_known ? Shown(d, d.a) : "-",
                        d.b_known ? Shown(d, d.b) : "-", d.a_known && d.b_known ? Percent(d.change) : "-",
                        interval, Words(d));
  }
  return text;
}

/// `reason`: why nothing can be said of any figure; empty where the figures say.
nlohmann::ordered_json ToJson(const std::vector<Difference>& differences, const CompareRules& rules,
                              const std::string& reason = "") {
  const auto verdict = reason.empty() ? VerdictOf(differences) : CompareVerdict::kUnclear;
  nlohmann::ordered_json json = {{"schema", 2},
                                 {"verdict", Name(verdict)},
                                 {"reason", reason},
                                 {"confidence", 1 - rules.alpha},
                                 {"differences", nlohmann::json::array()}};
  for (const auto& d : differences) {
    json["differences"].push_back({{"measure", d.measure},
                                   {"a", d.a},
                                   {"b", d.b},
                                   {"change", d.change},
                                   {"low", d.low},
                                   {"high", d.high},
                                   {"verdict", Name(d.verdict)},
                                   {"too_few", d.too_few},
                                   {"suspicious", d.suspicious}});
  }
  return json;
}

std::string Names(const std::vector<Difference>& differences, CompareVerdict which) {
  std::string names;
  for (const auto& d : differences) {
    if (d.verdict == which) names += (names.empty() ? "" : ", ") + d.measure;
  }
  return names;
}

std::string Sentence(const std::vector<Difference>& differences, const CompareRules& rules) {
  const auto verdict = VerdictOf(differences);
  const auto of = [&](CompareVerdict which, std::string_view before) {
    const auto names = Names(differences, which);
    return names.empty() ? "" : std::string(before) + names;
  };
  const auto unclear = of(CompareVerdict::kUnclear, "; nothing can be said of ");
  double within = 0;
  for (const auto& d : differences) {
    if (d.verdict == CompareVerdict::kSame) within = std::max(within, d.within());
  }
  switch (verdict) {
    case CompareVerdict::kWorse:
      return of(verdict, "B is worse in ") + of(CompareVerdict::kBetter, "; better in ") + unclear;
    case CompareVerdict::kBetter:
      return of(verdict, "B is better in ") + unclear;
    case CompareVerdict::kSame:
      return fmt::format("no difference larger than {:.1f} % at {:.0f} % confidence", 100 * within,
                         100 * (1 - rules.alpha)) +
             of(verdict, " in ") + unclear;
    default:
      return "nothing can be said" + of(verdict, ": not of ");
  }
}

sys::Result<Report> Load(const std::string& path) {
  const auto text = ReadWholeFile(path);
  if (!text) return tl::unexpected(text.error());
  auto report = ReadReport(*text);
  if (!report) return sys::Failure(fmt::format("{}: {}", path, report.error().message));
  return report;
}

std::string Unfit(const std::string& path, const Report& report) {
  return report.self.valid ? "" : fmt::format("{} is INVALID: {}", path, report.self.reason);
}

/// That the runs cannot be compared is a result too.
int WriteUnfit(const TextFiles& files, const CompareRules& rules, const std::string& why) {
  const auto written = files.Write("", [&](const std::string&) { return JsonText(ToJson({}, rules, why)); });
  return written ? Complain(kInvalid, why) : Complain(kNothing, written.error().message);
}

}  // namespace

int CompareCommand(int argc, const char* const* argv) {
  CLI::App app("Says how two runs differ, and how sure that is.", "loadgen compare");
  SetHelp(app, kCompareHelp);
  std::string path_a;
  std::string path_b;
  std::string json;
  double tolerance = 2;
  double resolution = 25;
  app.add_option("A", path_a, "the first run's JSON report")->required()->type_name("")->group("Input");
  app.add_option("B", path_b, "the other run's JSON report")->required()->type_name("")->group("Input");
  app.add_option("--tolerance", tolerance, "a difference of less than so many percent of A is none")
      ->check(CLI::Range(0.0, 1000.0).description(""))
      ->type_name("PERCENT")
      ->capture_default_str();
  app.add_option("--resolution", resolution, "nothing can be said where more than so many percent may be")
      ->check(CLI::Range(0.1, 1000.0).description(""))
      ->type_name("PERCENT")
      ->capture_default_str();
  app.add_option("--json", json, "write it as JSON too, or - for standard output")->type_name("FILE");
  if (const auto code = ParseFlags(app, argc, argv)) return *code;
  const auto a = Load(path_a);
  if (!a) return Complain(kUsage, a.error().message);
  const auto b = Load(path_b);
  if (!b) return Complain(kUsage, b.error().message);
  const CompareRules rules{.tolerance = tolerance / 100, .resolution = resolution / 100};
  const auto differences = CompareRuns(SampleOf(a->run), SampleOf(b->run), rules);
  auto unfit = Unfit(path_a, *a);
  if (unfit.empty()) unfit = Unfit(path_b, *b);
  if (unfit.empty() && differences.empty())
    unfit = fmt::format("each run needs {} seconds to be compared", kFewestSeconds);
  const auto files = TextFiles::Open({{"--json", json}}, DistinctFiles({{"A", path_a}, {"B", path_b}}));
  if (!files) return Complain(kUsage, files.error().message);
  if (!unfit.empty()) return WriteUnfit(*files, rules, unfit);
  auto text = fmt::format("A  {}\nB  {}\n", Describe(a->plan, a->engine), Describe(b->plan, b->engine));
  for (const auto& difference : PlanDifferences(a->plan, b->plan))
    text += fmt::format("not alike: {}\n", difference);
  text += fmt::format("\n{}\n", Table(differences)) +
          Wrap(fmt::format("verdict  {}\n", Sentence(differences, rules)), kVerdictColumns, kVerdictIndent);
  const auto written =
      files->Write(text, [&](const std::string&) { return JsonText(ToJson(differences, rules)); });
  if (!written) return Complain(kNothing, written.error().message);
  switch (VerdictOf(differences)) {
    case CompareVerdict::kWorse:
      return kNothing;
    case CompareVerdict::kUnclear:
      return kInvalid;
    default:
      return kRan;
  }
}

}  // namespace hydrapool::loadgen
