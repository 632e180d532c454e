#include "loadgen/plan/plan_identity.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "loadgen/plan/replay.h"
#include "loadgen/plan/scenario.h"

namespace hydrapool::loadgen {
namespace {

/// http://www.isthe.com/chongo/tech/comp/fnv/
std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

/// Writes values one after the other, each with an end.
class Record {
 public:
  template <typename... Values>
  void Add(const Values&... values) {
    (fmt::format_to(std::back_inserter(text_), "{}\n", values), ...);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string_view NameOfHeader(std::string_view header) { return header.substr(0, header.find(':')); }

void AddTargets(const Plan& plan, Record& record) {
  for (const auto& target : plan.targets) {
    record.Add(target.url, target.name, target.method, target.weight, target.rate.value_or(0),
               target.body.text().size());
    for (const auto& header : target.headers) record.Add(NameOfHeader(header));
  }
}

void AddArrivals(const Arrivals& arrivals, Record& record) {
  record.Add(arrivals.rate.value_or(0), arrivals.poisson, static_cast<int>(arrivals.saturate),
             arrivals.warmup, arrivals.count ? 0 : arrivals.duration, arrivals.ramp,
             arrivals.count.value_or(0), arrivals.start_at.value_or(0));
  for (const auto& stage : arrivals.stages) record.Add(stage.rate, stage.duration);
  if (arrivals.replay && !arrivals.replay->requests.empty())
    record.Add(arrivals.replay->requests.size(), arrivals.replay->requests.back().due);
}

void AddWire(const Wire& wire, Record& record) {
  record.Add(wire.keep_alive, wire.streams, wire.reuse, wire.timeout, wire.connect_timeout, wire.drain,
             wire.extras.http2, wire.extras.follow, wire.extras.cookies, wire.extras.resume,
             wire.extras.limit_rate);
}

void AddScenario(const Scenario& scenario, Record& record) {
  record.Add(scenario.of_requests);
  for (const auto& variable : scenario.variables) record.Add(variable);
  for (const auto& session : scenario.sessions)
    record.Add(session.name, session.weight, session.steps.size());
  for (const auto& think : scenario.thinks)
    record.Add(static_cast<int>(think.kind), think.mean, think.deviation);
}

}  // namespace

std::string IdentityOf(const Plan& plan) {
  Record record;
  AddTargets(plan, record);
  AddArrivals(plan.arrivals, record);
  AddWire(plan.wire, record);
  const auto& expect = plan.expect;
  for (const int status : expect.status) record.Add(status);
  record.Add(expect.length.value_or(0), expect.sha256, expect.end, plan.seed);
  if (plan.scenario) AddScenario(*plan.scenario, record);
  return fmt::format("{:016x}", Fnv1a(record.text()));
}

}  // namespace hydrapool::loadgen
