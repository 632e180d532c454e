#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "loadgen/command/cli.h"
#include "loadgen/command/help.h"
#include "loadgen/command/output_files.h"
#include "loadgen/plan/text_file.h"
#include "loadgen/plan/units.h"
#include "loadgen/report/comparison.h"
#include "loadgen/report/report_reader.h"

namespace hydrapool::loadgen {
namespace {

constexpr HelpTexts kHelp = {
    .usage = "loadgen compare [OPTIONS] A B",
    .examples = R"(  loadgen -R 2000 -d 60s --json before.json URL
  loadgen -R 2000 -d 60s --json after.json URL
  loadgen compare before.json after.json
)",
    .notes = R"(How B differs from A, from the seconds of both: each measure's mean, the
difference and its confidence interval (Welch; 95 % for all measures together).
The first second of each run is left out. Seconds are taken for independent of
each other.

Exit codes:
  0  B is not worse
  1  B is worse in some measure
  2  wrong usage, or a file that is no JSON report of loadgen
  3  nothing can be said: too few seconds, or a run that was INVALID
)"};

using Verdict = Difference::Verdict;

std::string_view Words(Verdict verdict) {
  return verdict == Verdict::kWorse ? "worse" : verdict == Verdict::kBetter ? "better" : "same";
}

std::string Shown(const Difference& d, double value) {
  if (d.measure == "rate") return fmt::format("{:.1f}/s", value);
  if (d.measure == "errors") return fmt::format("{:.3g} %", 100 * value);
  return value < 0 ? "-" + FormatMicros(-value) : FormatMicros(value);
}

std::string Table(const std::vector<Difference>& differences) {
  std::string text =
      fmt::format("{:<8}{:>12}{:>12}{:>12}   {}\n", "", "A", "B", "B - A", "95 % interval of B - A");
  for (const auto& d : differences) {
    text += fmt::format("{:<8}{:>12}{:>12}{:>12}   {} to {}{}\n", d.measure, Shown(d, d.a), Shown(d, d.b),
                        Shown(d, d.b - d.a), Shown(d, d.low), Shown(d, d.high),
                        d.verdict == Verdict::kSame ? "" : fmt::format("  {}", Words(d.verdict)));
  }
  return text;
}

nlohmann::ordered_json ToJson(const std::vector<Difference>& differences, std::string_view verdict) {
  nlohmann::ordered_json json = {
      {"schema", 1}, {"verdict", verdict}, {"differences", nlohmann::json::array()}};
  for (const auto& d : differences) {
    json["differences"].push_back({{"measure", d.measure},
                                   {"a", d.a},
                                   {"b", d.b},
                                   {"low", d.low},
                                   {"high", d.high},
                                   {"verdict", Words(d.verdict)}});
  }
  return json;
}

std::string Verdicts(const std::vector<Difference>& differences, Verdict which) {
  std::string names;
  for (const auto& d : differences) {
    if (d.verdict == which) names += (names.empty() ? "" : ", ") + d.measure;
  }
  return names;
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

}  // namespace

int CompareCommand(int argc, const char* const* argv) {
  CLI::App app("Says how two runs differ, and how sure that is.", "loadgen compare");
  SetHelp(app, kHelp);
  std::string path_a;
  std::string path_b;
  std::string json;
  double tolerance = 2;
  app.add_option("A", path_a, "JSON report of one run")->required()->type_name("")->group("Input");
  app.add_option("B", path_b, "JSON report of the other")->required()->type_name("")->group("Input");
  app.add_option("--tolerance", tolerance, "a difference of less than so many percent of A is none")
      ->check(CLI::Range(0.0, 1000.0).description(""))
      ->type_name("PERCENT")
      ->capture_default_str();
  app.add_option("--json", json, "write it as JSON too, or - for standard output")->type_name("FILE");
  if (const auto code = ParseFlags(app, argc, argv)) return *code;
  const auto a = Load(path_a);
  if (!a) return Complain(kUsage, a.error().message);
  const auto b = Load(path_b);
  if (!b) return Complain(kUsage, b.error().message);
  const auto files = TextFiles::Open({{"--json", json}});
  if (!files) return Complain(kUsage, files.error().message);
  for (const auto& unfit : {Unfit(path_a, *a), Unfit(path_b, *b)}) {
    if (!unfit.empty()) return Complain(kInvalid, unfit);
  }
  const auto differences = CompareRuns(Rows(a->run), Rows(b->run), {.tolerance = tolerance / 100});
  if (differences.empty())
    return Complain(kInvalid, fmt::format("each run needs {} seconds and one to begin with", kFewest));
  const auto worse = Verdicts(differences, Verdict::kWorse);
  const auto better = Verdicts(differences, Verdict::kBetter);
  const auto verdict = !worse.empty() ? "worse" : !better.empty() ? "better" : "same";
  const bool differs = !worse.empty() || !better.empty();
  auto text = fmt::format("A  {}\nB  {}\n", Describe(a->plan, a->engine), Describe(b->plan, b->engine));
  for (const auto& difference : PlanDifferences(a->plan, b->plan))
    text += fmt::format("not alike: {}\n", difference);
  text += fmt::format("\n{}\nverdict  {}{}{}\n", Table(differences),
                      differs ? fmt::format("B is {}", verdict) : "no difference was seen",
                      worse.empty() ? "" : " in " + worse,
                      better.empty() ? "" : (worse.empty() ? " in " : "; better in ") + better);
  const auto written =
      files->Write(text, [&](const std::string&) { return JsonText(ToJson(differences, verdict)); });
  if (!written) return Complain(kNothing, written.error().message);
  return worse.empty() ? kRan : kNothing;
}

}  // namespace hydrapool::loadgen
