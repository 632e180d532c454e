#include "harness/run/fault_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/fault/trap.h"
#include "harness/run/yaml_reader.h"

namespace hydrapool::harness {
namespace {

using yaml::Map;

constexpr std::int64_t kMostFaults = 1'000'000;
constexpr std::int64_t kMostRequests = 1'000'000'000'000;

/// Why the slot of a target is not there; nullopt: it is, or it is not known.
std::optional<std::string> WhyNoSlot(const Target& target, const Scenario& scenario) {
  const auto* hydrapool = std::get_if<HydrapoolStart>(&scenario.server);
  if (!target.has_slot() || hydrapool == nullptr || target.slot < hydrapool->workers) return std::nullopt;
  return fmt::format("target {}: there are {} workers, slots 0 to {}", Name(target), hydrapool->workers,
                     hydrapool->workers - 1);
}

void ReadTarget(const Map& map, const Scenario& scenario, FaultPlan& plan) {
  plan.target = DefaultTarget(plan.fault);
  const auto target = map["target"];
  if (target) plan.target = yaml::Parsed(target, "target", ParseTarget);
  if (const auto why = WhyNotTogether(plan.fault, plan.target)) yaml::Fail(target, *why);
  if (const auto why = WhyNoSlot(plan.target, scenario)) yaml::Fail(target, *why);
  if (plan.target.needs_status() && !scenario.is_hydrapool())
    yaml::Fail(target, fmt::format("target {}: only a pool's admin endpoint tells which process that is",
                                   Name(plan.target)));
}

/// How it is done: how long, and by what.
void ReadMeans(const Map& map, const Scenario& scenario, FaultPlan& plan) {
  if (const auto why = WhyNoCommand(plan.fault, scenario.commands, scenario.is_hydrapool()))
    yaml::Fail(map.node(), *why);
  if (const auto hold = map["for"]) {
    plan.hold = yaml::Duration(hold, "for");
    if (InfoOf(plan.fault).effect != Effect::kHolds)
      yaml::Fail(hold, fmt::format("for: fault {} does not last", Name(plan.fault)));
  }
  const bool is_network = plan.fault == Fault::kNetwork;
  const auto how = is_network ? map.Required("how") : map["how"];
  if (how && !is_network) yaml::Fail(how, "how: only the fault network is done in several ways");
  if (how) plan.network = yaml::Parsed(how, "how", ParseNetworkHarm);
  if (plan.fault == Fault::kFullDisk && !scenario.disk.is_named())
    yaml::Fail(map.node(), "full-disk needs 'disk': a size, or a directory that is a file system of its own");
}

void ReadTrigger(const Map& map, const Scenario& scenario, FaultPlan& plan) {
  if (const auto pace = map["pace"]) plan.trigger.pace = yaml::Parsed(pace, "pace", ParsePace);
  if (const auto phase = map["phase"]) plan.trigger.phase = yaml::Parsed(phase, "phase", ParsePhase);
  if (const auto requests = map["requests"]) {
    plan.trigger.requests = static_cast<std::uint64_t>(yaml::Integer(requests, "requests", 1, kMostRequests));
    if (plan.every) yaml::Fail(requests, "a fault comes by 'every' or by 'requests', not by both");
    if (!plan.count) yaml::Fail(requests, "a fault by 'requests' needs 'count': how many of them");
  }
  if (const auto exact = map["exact"]) {
    plan.trigger.exact = yaml::Flag(exact, "exact");
    if (!plan.trigger.phase || !Trap::CanBeIn(*plan.trigger.phase))
      yaml::Fail(exact, "exact: is of the phases reading, executing and responding");
    if (!std::holds_alternative<HydrapoolStart>(scenario.server))
      yaml::Fail(exact, "exact: only a hydrapool that the harness starts can be caught at an instruction");
    if (plan.target != Target::kRandom)
      yaml::Fail(exact, "exact: hits whoever comes by first, so that its target is random");
  }
  if (plan.trigger.pace == Pace::kPoisson && !plan.every)
    yaml::Fail(map.node(), "pace poisson needs 'every'");
  if (const auto why = WhyNotTogether(plan.trigger, plan.target)) yaml::Fail(map.node(), *why);
  if (plan.trigger.needs_status() && !scenario.is_hydrapool())
    yaml::Fail(map.node(), "only a pool's admin endpoint tells its count of requests and what a worker does");
}

}  // namespace

FaultPlan ReadFault(const YAML::Node& node, const Scenario& scenario) {
  const Map map(node, "a fault",
                {"fault", "target", "every", "from", "to", "count", "for", "how", "pace", "requests", "phase",
                 "exact"});
  FaultPlan plan;
  plan.line = node.Mark().line + 1;
  plan.fault = yaml::Parsed(map.Required("fault"), "fault", ParseFault);
  ReadTarget(map, scenario, plan);
  ReadMeans(map, scenario, plan);
  if (const auto every = map["every"]) plan.every = yaml::Duration(every, "every");
  if (const auto from = map["from"]) plan.from = yaml::Duration(from, "from", true);
  if (const auto to = map["to"]) {
    plan.to = yaml::Duration(to, "to");
    if (*plan.to < plan.from) yaml::Fail(to, "to is before from");
  }
  if (const auto count = map["count"])
    plan.count = static_cast<std::uint64_t>(yaml::Integer(count, "count", 1, kMostFaults));
  ReadTrigger(map, scenario, plan);
  if (!plan.every && !plan.trigger.requests && (plan.to || plan.count))
    yaml::Fail(node, "a fault with 'to' or 'count' needs 'every' or 'requests'");
  if (std::max(plan.from, plan.to.value_or(0)) > scenario.duration)
    yaml::Fail(node, "a fault comes after the end of the run");
  return plan;
}

Commands ReadCommands(const YAML::Node& node) {
  const Map map(node, "commands", {"reload", "upgrade", "restart"});
  Commands commands;
  for (const Fault fault : {Fault::kReload, Fault::kUpgrade, Fault::kRestart}) {
    const std::string name(Name(fault));
    const auto command = map[name.c_str()];
    if (!command) continue;
    commands[fault] = yaml::Texts(command, name);
    if (commands[fault].empty()) yaml::Fail(command, name + ": names no program");
  }
  return commands;
}

}  // namespace hydrapool::harness
