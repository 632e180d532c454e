#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "loadgen/command/cli.h"
#include "loadgen/command/help.h"
#include "loadgen/command/output_files.h"
#include "loadgen/command/plan_options.h"
#include "loadgen/command/rate_search.h"
#include "loadgen/command/run_load.h"
#include "loadgen/plan/target_list.h"
#include "loadgen/report/bootstrap.h"
#include "loadgen/report/report_html.h"
#include "loadgen/report/text_chart.h"

namespace hydrapool::loadgen {
namespace {

constexpr HelpTexts kHelp = {
    .usage = "loadgen search [OPTIONS] --slo SLO URL...",
    .examples = R"(  loadgen search --slo 'p99<50ms' 'errors<=0' -c 256 -d 5s http://127.0.0.1:8080/
  loadgen search --slo 'p99.9<20ms' -R 2000 --precision 1 --html curve.html URL
)",
    .notes = R"(The search begins at -R, doubles while all of --slo hold, halves while they do
not, and closes in on the limit; each step is a run of -d. A step that missed its
schedule does not hold either, by whosever fault. It ends where the first step,
or two in a row later, get no answer at all. SLO, TIME, RATE and what may
stand in URLs: see loadgen --help.

Exit codes:
  0  found
  1  no server was reached, none answers any more, or an output failed
  2  wrong usage
  3  the generator itself was the limit: more may be possible
 99  not even one request a second
Ctrl-C ends it with what is known.
)"};

constexpr double kAchieved = 0.99;
constexpr std::size_t kBarWidth = 30;

struct Step {
  double rate = 0;
  bool holds = false;
  bool own_fault = false;  ///< All held, but the generator missed its schedule.
  Report report;
};

std::string Why(const Step& step) {
  if (step.own_fault) return step.report.self.reason;
  std::string missed;
  for (const auto& slo : step.report.slos) {
    if (!slo.met) missed += fmt::format("{}✗ {} ({})", missed.empty() ? "" : ", ", slo.text, slo.shown);
  }
  if (missed.empty() && !step.holds)
    return fmt::format("only {:.1f} % of the schedule was sent in time", 100 * step.report.run.achieved());
  return missed;
}

std::string StepLine(const Step& step) {
  const auto& response = step.report.run.tally.latency.response;
  return fmt::format("{} {:>10.1f}/s  p50 {:>8}  p99 {:>8}  {}\n", step.holds ? "✓" : "✗", step.rate,
                     PercentileText(response, 50), PercentileText(response, 99), Why(step));
}

/// Of each step's p99, by rate.
std::string Curve(std::vector<Step> steps) {
  std::ranges::sort(steps, {}, &Step::rate);
  double most = 1;
  const auto response = [](const Step& s) -> const LatencyHistogram& {
    return s.report.run.tally.latency.response;
  };
  const auto p99 = [&response](const Step& s) {
    return EnoughFor(99, response(s).count()) ? static_cast<double>(response(s).ValueAtPercentile(99)) : 0;
  };
  for (const auto& step : steps) most = std::max(most, p99(step));
  std::string text = "p99 by rate (-: fewer than ten requests lie beyond it)\n";
  for (const auto& step : steps) {
    text += fmt::format("{:>12.1f}/s {} {:<{}} {:>9}\n", step.rate, step.holds ? "✓" : "✗",
                        Bar(p99(step) / most, kBarWidth), kBarWidth, PercentileText(response(step), 99));
  }
  return text;
}

std::string Conclusion(const std::vector<Slo>& slos, const RateSearch& search) {
  std::string objectives;
  for (const auto& slo : slos) objectives += (objectives.empty() ? "" : " and ") + slo.text;
  return search.best()
             ? fmt::format("{:.1f} requests/s is the highest rate found with {}", *search.best(), objectives)
             : fmt::format("no rate was found with {}", objectives);
}

nlohmann::ordered_json ToJson(const std::vector<Step>& steps, const RateSearch& search,
                              const std::string& words) {
  nlohmann::ordered_json json = {
      {"schema", 1}, {"best_rps", nullptr}, {"conclusion", words}, {"steps", nlohmann::json::array()}};
  if (search.best()) json["best_rps"] = *search.best();
  for (const auto& step : steps) {
    auto report = loadgen::ToJson(step.report);
    json["steps"].push_back({{"rate", step.rate},
                             {"holds", step.holds},
                             {"own_fault", step.own_fault},
                             {"throughput_rps", report["throughput_rps"]},
                             {"requests", report["requests"]},
                             {"latency_us", report["latency_us"]},
                             {"slo", report["slo"]}});
  }
  return json;
}

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

Step TryRate(Options options, double rate, const EngineChoice& engine) {
  options.plan.arrivals.rate = rate;
  Step step{.rate = rate, .report = RunLoad(options, engine, nullptr, nullptr)};
  step.own_fault = !step.report.self.valid && step.report.slos_met();
  step.holds = step.report.self.valid && step.report.slos_met() && step.report.run.achieved() >= kAchieved;
  return step;
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

/// Tries one rate after the other. Why it ended early, where no server answers (any more).
std::optional<std::string> TryRates(const SearchFlags& flags, const EngineChoice& engine,
                                    const TextFiles& files, RateSearch& search, std::vector<Step>& steps) {
  bool was_silent = false;
  while (const auto rate = search.Next()) {
    auto step = TryRate(flags.options, *rate, engine);
    if (step.report.run.stopped) break;
    const auto silence = NothingAnswered(step.report);
    if (silence && steps.empty()) return silence;
    search.Tell(*rate, step.holds);
    files.Say(StepLine(step));
    steps.push_back(std::move(step));
    if (silence && was_silent) return silence;
    was_silent = silence.has_value();
  }
  return std::nullopt;
}

}  // namespace

int SearchCommand(int argc, const char* const* argv) {
  CLI::App app("Finds the highest rate at which a server holds objectives.", "loadgen search");
  SetHelp(app, kHelp);
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
  const auto files = TextFiles::Open({{"--json", outputs.json}, {"--html", outputs.html}});
  if (!files) return Complain(kUsage, files.error().message);

  RateSearch search(flags->rules);
  std::vector<Step> steps;
  const auto silence = TryRates(*flags, *engine, *files, search, steps);
  if (silence && steps.empty()) return Complain(kNothing, *silence);
  const auto words = Conclusion(outputs.slos, search);
  const auto text = fmt::format("\n{}\n{}\n", Curve(steps), words);
  const auto json = ToJson(steps, search, words);
  const auto written = files->Write(text, [&](const std::string& flag) {
    if (flag == "--json") return JsonText(json);
    const auto title = "loadgen search: " + flags->options.plan.targets.front().url;
    return HtmlPage(
        title,
        {{"kind", "search"}, {"title", title}, {"limits", LimitsJson(outputs.slos)}, {"search", json}});
  });
  if (!written) return Complain(kNothing, written.error().message);
  if (silence) return Complain(kNothing, *silence);
  if (std::ranges::any_of(steps, &Step::own_fault)) return kInvalid;
  return search.best() ? kRan : kMissed;
}

}  // namespace hydrapool::loadgen
