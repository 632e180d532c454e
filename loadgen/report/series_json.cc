#include "loadgen/report/series_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace hydrapool::loadgen {
namespace {

using Json = nlohmann::ordered_json;

Outcome OutcomeNamed(const std::string& name) { return OutcomeOf(name).value_or(Outcome::kOther); }

Json TargetJson(const TargetInterval& target) {
  Json errors = Json::object();
  for (const auto& [outcome, n] : target.errors) errors[std::string(Name(outcome))] = n;
  Json phases = Json::object();
  for (std::size_t i = 0; i < kPhases; ++i) {
    const auto& phase = target.phases[i];
    if (phase.count > 0)
      phases[std::string(kPhaseNames[i])] = {{"count", phase.count}, {"sum_us", phase.sum}};
  }
  const auto took = target.response.Unpack();
  return {{"sent", target.sent},
          {"completed", target.completed},
          {"ok", target.ok},
          {"ended", target.ended()},
          {"errors", errors},
          {"p50_us", took.ValueAtPercentile(50)},
          {"p99_us", took.ValueAtPercentile(99)},
          {"phases", phases}};
}

TargetInterval ReadTarget(const nlohmann::json& json) {
  TargetInterval target{
      .sent = json.at("sent"), .completed = json.at("completed"), .ok = json.at("ok"), .errors = {}};
  const auto errors = json.find("errors");
  if (errors != json.end()) {
    for (const auto& [name, n] : errors->items()) target.errors[OutcomeNamed(name)] += n.get<std::uint64_t>();
  } else if (const std::uint64_t ended = json.at("ended"); ended > target.ok) {
    target.errors[Outcome::kOther] = ended - target.ok;  // reports of before told no kinds
  }
  const auto phases = json.value("phases", nlohmann::json::object());
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (const auto phase = phases.find(kPhaseNames[i]); phase != phases.end())
      target.phases[i] = {.count = phase->at("count"), .sum = phase->at("sum_us")};
  }
  return target;
}

}  // namespace

sys::Nanos NanosOf(const nlohmann::json& seconds) {
  return static_cast<sys::Nanos>(std::llround(seconds.get<double>() * 1e9));
}

Json SeriesJson(const IntervalSeries& series) {
  Json rows = Json::array();
  for (const auto& [begin, interval] : series.intervals()) {
    const auto response = interval.response.Unpack();
    Json outcomes = Json::object();
    for (std::size_t i = 0; i < kOutcomes; ++i) {
      if (interval.outcomes[i] > 0)
        outcomes[std::string(Name(static_cast<Outcome>(i)))] = interval.outcomes[i];
    }
    rows.push_back({{"begin_s", sys::ToSeconds(begin)},
                    {"sent", interval.sent},
                    {"outcomes", outcomes},
                    {"rate", static_cast<double>(interval.completed()) / sys::ToSeconds(series.width())},
                    {"p50_us", response.ValueAtPercentile(50)},
                    {"p90_us", response.ValueAtPercentile(90)},
                    {"p99_us", response.ValueAtPercentile(99)},
                    {"max_us", response.max()}});
    for (const auto& target : interval.targets) rows.back()["targets"].push_back(TargetJson(target));
  }
  return {{"width_s", sys::ToSeconds(series.width())}, {"rows", rows}};
}

IntervalSeries ReadSeries(const nlohmann::json& json) {
  IntervalSeries series(NanosOf(json.at("width_s")));
  for (const auto& row : json.at("rows")) {
    Interval interval{.sent = row.at("sent")};
    for (const auto& [name, n] : row.at("outcomes").items())
      interval.outcomes[static_cast<std::size_t>(OutcomeNamed(name))] = n;
    for (const auto& target : row.value("targets", nlohmann::json::array()))
      interval.targets.push_back(ReadTarget(target));
    series.Add(NanosOf(row.at("begin_s")), interval);
  }
  return series;
}

}  // namespace hydrapool::loadgen
