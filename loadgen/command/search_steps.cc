#include "loadgen/command/search_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "loadgen/report/bootstrap.h"
#include "loadgen/report/text_chart.h"

namespace hydrapool::loadgen {
namespace {

constexpr double kAchieved = 0.99;
constexpr std::size_t kBarWidth = 30;

std::string Why(const SearchStep& step) {
  if (step.own_fault) return step.report.self.reason;
  std::string missed;
  for (const auto& slo : step.report.slos) {
    if (!slo.met) missed += fmt::format("{}✗ {} ({})", missed.empty() ? "" : ", ", slo.text, slo.shown);
  }
  if (missed.empty() && !step.holds) {
    if (const auto silence = NothingAnswered(step.report)) return *silence;
    return fmt::format("only {:.1f} % of the schedule was sent in time", 100 * step.report.run.achieved());
  }
  return missed;
}

/// Of those that did not hold the one at the lowest rate; null where all held.
const SearchStep* LowestFailing(const std::vector<SearchStep>& steps) {
  const SearchStep* lowest = nullptr;
  for (const auto& step : steps) {
    if (!step.holds && (lowest == nullptr || step.rate < lowest->rate)) lowest = &step;
  }
  return lowest;
}

}  // namespace

SearchStep JudgeStep(double rate, Report report) {
  SearchStep step{.rate = rate, .report = std::move(report)};
  step.own_fault = !step.report.self.valid;
  step.holds = !step.own_fault && !NothingAnswered(step.report) && step.report.slos_met() &&
               step.report.run.achieved() >= kAchieved;
  return step;
}

std::string StepLine(const SearchStep& step) {
  const auto& response = step.report.run.tally.latency.response;
  return fmt::format("{} {:>10.1f}/s  p50 {:>8}  p99 {:>8}  {}\n", step.holds ? "✓" : "✗", step.rate,
                     PercentileText(response, 50), PercentileText(response, 99), Why(step));
}

std::string Curve(std::vector<SearchStep> steps) {
  std::ranges::sort(steps, {}, &SearchStep::rate);
  const auto response = [](const SearchStep& s) -> const LatencyHistogram& {
    return s.report.run.tally.latency.response;
  };
  std::uint64_t count = 0;
  for (const auto& step : steps) count = std::max(count, response(step).count());
  const double p = EnoughFor(99, count) ? 99 : EnoughFor(90, count) ? 90 : 50;
  const auto value = [&](const SearchStep& s) {
    return EnoughFor(p, response(s).count()) ? static_cast<double>(response(s).ValueAtPercentile(p)) : 0;
  };
  double most = 1;
  for (const auto& step : steps) most = std::max(most, value(step));
  auto text = fmt::format("p{:g} by rate (-: fewer than ten requests lie beyond it)\n", p);
  for (const auto& step : steps) {
    text += fmt::format("{:>12.1f}/s {} {:<{}} {:>9}\n", step.rate, step.holds ? "✓" : "✗",
                        Bar(value(step) / most, kBarWidth), kBarWidth, PercentileText(response(step), p));
  }
  return text;
}

SearchEnd Conclude(const std::vector<Slo>& slos, const RateSearch& search,
                   const std::vector<SearchStep>& steps, bool stopped) {
  std::string objectives;
  for (const auto& slo : slos) objectives += (objectives.empty() ? "" : " and ") + slo.text;
  const auto* failing = LowestFailing(steps);
  const bool own_limit = failing != nullptr && failing->own_fault;
  const auto none = fmt::format("no rate was found with {}", objectives);
  if (stopped && !search.best()) return {kNothing, none + ": it was stopped before"};
  if (!search.best()) {
    if (!own_limit) return {kMissed, none};
    return {kInvalid, none + ": the generator itself was the limit"};
  }
  auto words = fmt::format("{:.1f} requests/s is the highest rate found with {}", *search.best(), objectives);
  if (stopped) words += "; it was stopped, more may be possible";
  if (own_limit) words += "; the generator itself was the limit, more may be possible";
  return {own_limit ? kInvalid : kRan, words};
}

nlohmann::ordered_json ToJson(const std::vector<SearchStep>& steps, const RateSearch& search,
                              const std::string& words) {
  nlohmann::ordered_json json = {
      {"schema", 1}, {"best_rps", nullptr}, {"conclusion", words}, {"steps", nlohmann::json::array()}};
  if (search.best()) json["best_rps"] = *search.best();
  for (const auto& step : steps) {
    auto report = ToJson(step.report);
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

}  // namespace hydrapool::loadgen
