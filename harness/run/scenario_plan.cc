// What a scenario that was read comes to: who asks, when the faults are, what its words stand for.
#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "harness/run/scenario.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kSinglePeriod = sys::kMillisecond;

bool IsOfAName(const std::string& text, std::size_t at) {
  if (at >= text.size()) return false;
  const auto each = static_cast<unsigned char>(text[at]);
  return each == '_' || std::isupper(each) != 0 || std::isdigit(each) != 0;
}

/// Not where it is a part of another name in capitals, as of WORKERS.
void Replace(std::string& text, std::string_view word, const std::string& by) {
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at)) {
    const bool stands_alone = !IsOfAName(text, at - 1) && !IsOfAName(text, at + word.size());
    if (stands_alone) text.replace(at, word.size(), by);
    at += stands_alone ? by.size() : word.size();
  }
}

void Replace(std::string& text, const Place& place) {
  Replace(text, "WORK", place.work);
  Replace(text, "PORT", place.port);
  Replace(text, "DISK", place.disk);
}

void Replace(std::vector<std::string>& texts, const Place& place) {
  for (std::string& text : texts) Replace(text, place);
}

}  // namespace

Scenario At(const Place& place, Scenario scenario) {
  if (auto* hydrapool = std::get_if<HydrapoolStart>(&scenario.server)) Replace(hydrapool->flags, place);
  if (auto* command = std::get_if<CommandStart>(&scenario.server)) {
    Replace(command->arguments, place);
    Replace(command->url, place);
    Replace(command->admin, place);
    for (auto& [name, text] : command->files) Replace(text, place);
  }
  for (auto& [fault, command] : scenario.commands) Replace(command, place);
  if (scenario.echo) Replace(scenario.echo->ledger, place);
  scenario.disk.directory = place.disk;
  return scenario;
}

bool Scenario::holds() const {
  return std::ranges::any_of(faults, [](const FaultPlan& plan) {
    return InfoOf(plan.fault).effect == Effect::kHolds || plan.fault == Fault::kOom || plan.trigger.exact;
  });
}

bool Scenario::is_hydrapool() const {
  if (const auto* attach = std::get_if<Attachment>(&server)) return !attach->admin.empty();
  if (const auto* command = std::get_if<CommandStart>(&server)) return !command->admin.empty();
  return true;
}

bool Scenario::echoes() const {
  if (!echo) return false;
  const auto is_root = [](const LoadPlan& each) { return each.url == "/"; };
  return echo->asked_for || (is_hydrapool() && std::ranges::any_of(load, is_root));
}

ScheduleSpec ScheduleOf(const Scenario& scenario, std::size_t i, std::uint64_t seed) {
  constexpr std::uint64_t kFarApart = 0x9e3779b97f4a7c15;
  const FaultPlan& plan = scenario.faults[i];
  const bool once = !plan.every && !plan.trigger.requests;
  return {.fault = plan.fault,
          .target = plan.target,
          .every = plan.every.value_or(kSinglePeriod),
          .jitter = 0,
          .trigger = plan.trigger,
          .count = once ? 1 : plan.count,
          .duration = plan.to.value_or(scenario.duration) - ScheduleStart(scenario, i),
          .seed = seed + i * kFarApart};
}

sys::Nanos ScheduleStart(const Scenario& scenario, std::size_t i) {
  const FaultPlan& plan = scenario.faults[i];
  const bool begins_at_once = plan.trigger.pace == Pace::kPoisson || plan.trigger.requests;
  return begins_at_once ? plan.from : plan.from - plan.every.value_or(kSinglePeriod);
}

std::vector<PlannedFault> FaultsOf(const Scenario& scenario, std::uint64_t seed) {
  std::vector<PlannedFault> faults;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    FaultSchedule schedule(ScheduleOf(scenario, i, seed));
    while (auto fault = schedule.Next()) {
      if (!fault->requests) fault->at += ScheduleStart(scenario, i);
      if (InfoOf(fault->fault).effect == Effect::kHolds) fault->hold = scenario.faults[i].hold;
      faults.push_back(*fault);
    }
  }
  std::ranges::stable_sort(faults, {}, &PlannedFault::at);
  for (std::size_t i = 0; i < faults.size(); ++i) faults[i].id = i + 1;
  return faults;
}

}  // namespace hydrapool::harness
