#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "loadgen/command/cli.h"
#include "loadgen/command/help.h"
#include "loadgen/command/interrupts.h"
#include "loadgen/command/output_files.h"
#include "loadgen/command/plan_options.h"
#include "loadgen/command/rate_search.h"
#include "loadgen/command/run_load.h"
#include "loadgen/command/search_steps.h"
#include "loadgen/plan/target_list.h"
#include "loadgen/report/report_html.h"

namespace hydrapool::loadgen {
namespace {

constexpr HelpTexts kSearchHelp = {
    .usage = "loadgen search [OPTIONS] --slo SLO URL...",
    .examples = R"(  loadgen search --slo 'p99<50ms' 'errors<=0' -c 256 -d 5s http://h:8080/
  loadgen search --slo 'p99.9<20ms' -R 2000 --precision 1 --html curve.html URL
)",
    .notes = R"(The search begins at -R, doubles while all of --slo hold, halves while they do
not, and closes in on the limit; each step is a run of -d. A step that missed
its schedule does not hold either, by whosever fault. It ends where the first
step, or two in a row later, get no answer at all. SLO, TIME, RATE and what may
stand in URLs: see loadgen --help.

Exit codes:
  0  found
  1  no server was reached, none answers any more, it was stopped before a rate
     was found, or an output failed
  2  wrong usage
  3  the generator itself was the limit: more may be possible
 99  not even one request a second
Ctrl-C ends it with what is known.
)"};

/// The latencies that must be held, for the page.
nlohmann::ordered_json LimitsJson(const std::vector<Slo>& slos) {
  auto limits = nlohmann::ordered_json::array();
  for (const auto& slo : slos) {
    const bool latency = slo.measure == Slo::Measure::kPercentile || slo.measure == Slo::Measure::kMax ||
                         slo.measure == Slo::Measure::kMean;
    if (latency) limits.push_back({{"text", slo.text}, {"us", slo.limit}});
  }
  return limits;
}

/// For the page: what was asked for, without secrets.
std::string CommandOf(Plan plan, double first, const std::vector<Slo>& slos) {
  plan.arrivals.rate = first;
  auto command = "loadgen search" + loadgen::CommandOf(plan).substr(std::string_view("loadgen").size());
  for (const auto& slo : slos) command += fmt::format(" --slo '{}'", slo.text);
  return command;
}

struct SearchFlags {
  Options options;
  RateSearch::Rules rules;
};

sys::Result<SearchFlags> Understand(const PlanOptions& plan_flags, const OutputOptions& output_flags,
                                    double percent, const std::string& engine) {
  auto plan = plan_flags.Understand(static_cast<int>(std::thread::hardware_concurrency()));
  if (!plan) return tl::unexpected(plan.error());
  auto outputs = output_flags.Understand();
  if (!outputs) return tl::unexpected(outputs.error());
  if (outputs->slos.empty()) return sys::Failure("search needs an --slo, like 'p99<50ms'");
  if (plan->arrivals.replay) return sys::Failure("search chooses the rate: no --replay");
  if (HasRates(*plan)) return sys::Failure("search chooses the rate: no --target rate=");
  if (const auto aimed = AimAt(TargetNames(*plan), outputs->slos); !aimed)
    return tl::unexpected(aimed.error());
  SearchFlags flags{.options = {.plan = std::move(*plan), .engine = engine, .outputs = std::move(*outputs)},
                    .rules = {}};
  flags.rules.first = flags.options.plan.arrivals.rate.value_or(flags.rules.first);
  flags.rules.precision = percent / 100;
  return flags;
}

struct Tries {
  RateSearch search;
  std::vector<SearchStep> steps = {};
  bool stopped = false;
  std::optional<std::string> silence = {};  ///< Why it ended early, where no server answers (any more).
};

/// Tries one rate after the other.
Tries TryRates(const SearchFlags& flags, const EngineChoice& engine, const Interrupts& interrupts,
               const TextFiles& files) {
  Tries tries{.search = RateSearch(flags.rules)};
  bool was_silent = false;
  while (const auto rate = tries.search.Next()) {
    auto options = flags.options;
    options.plan.arrivals.rate = *rate;
    auto step = JudgeStep(*rate, RunLoad(options, engine, interrupts, nullptr, nullptr));
    tries.stopped = step.report.run.stopped;
    if (tries.stopped) return tries;
    const auto silence = NothingAnswered(step.report);
    if (silence && (was_silent || tries.steps.empty())) tries.silence = silence;
    tries.search.Tell(*rate, step.holds);
    files.Say(StepLine(step));
    tries.steps.push_back(std::move(step));
    if (tries.silence) return tries;
    was_silent = silence.has_value();
  }
  return tries;
}

}  // namespace

int SearchCommand(int argc, const char* const* argv) {
  CLI::App app("Finds the highest rate at which a server holds objectives.", "loadgen search");
  SetHelp(app, kSearchHelp);
  PlanOptions plan_flags;
  OutputOptions output_flags;
  std::string engine_name = "auto";
  double precision = 5;
  plan_flags.AddForSearch(app);
  AddEngine(app, engine_name);
  output_flags.AddForSearch(app);
  app.add_option("--precision", precision, "how near the limit, in percent")
      ->check(CLI::Range(0.1, 100.0).description(""))
      ->type_name("PERCENT")
      ->group("Load")
      ->capture_default_str();
  if (const auto code = ParseFlags(app, argc, argv)) return *code;
  const auto flags = Understand(plan_flags, output_flags, precision, engine_name);
  if (!flags) return Complain(kUsage, flags.error().message);
  const auto engine = Prepare(flags->options);
  if (!engine) return Complain(kUsage, engine.error().message);
  const auto& outputs = flags->options.outputs;
  const auto files = TextFiles::Open({{"--json", outputs.json}, {"--html", outputs.html}},
                                     DistinctFiles(plan_flags.Files()));
  if (!files) return Complain(kUsage, files.error().message);

  std::optional<Interrupts> interrupts(std::in_place);
  const auto tries = TryRates(*flags, *engine, *interrupts, *files);
  const auto end = Conclude(outputs.slos, tries.search, tries.steps, tries.stopped);
  const auto text = fmt::format("\n{}\n{}\n", Curve(tries.steps), end.words);
  const auto json = ToJson(tries.steps, tries.search, end.words);
  const auto render = [&](const std::string& flag) {
    if (flag == "--json") return JsonText(json);
    const auto title = "loadgen search: " + flags->options.plan.targets.front().url;
    return HtmlPage(title, {{"kind", "search"},
                            {"title", title},
                            {"command", CommandOf(flags->options.plan, flags->rules.first, outputs.slos)},
                            {"limits", LimitsJson(outputs.slos)},
                            {"search", json}});
  };
  const auto written = files->Write(text, render, [&interrupts] { interrupts.reset(); });
  if (!written) return Complain(kNothing, written.error().message);
  return tries.silence ? Complain(kNothing, *tries.silence) : end.code;
}

}  // namespace hydrapool::loadgen
