#include "harness/fault/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <tuple>

namespace hydrapool::harness {
namespace {

using Json = nlohmann::json;

sys::Result<Target> VictimOf(const Json& line, const Target& target) {
  const std::string role = line.value("role", "");
  if (target == Target::kServer) return target;
  if (line.contains("slot"))
    return Target(role == "program" ? Target::kCgiOf : Target::kSlot, line.at("slot").get<int>());
  if (role == "parent" || role == "supervisor") return ParseTarget(role);
  return target;
}

sys::Result<PlannedFault> FaultOf(const Json& line) {
  const auto fault = ParseFault(line.at("fault").get<std::string>());
  if (!fault) return tl::unexpected(fault.error());
  const auto named = ParseTarget(line.at("target").get<std::string>());
  if (!named) return tl::unexpected(named.error());
  const auto target = VictimOf(line, *named);
  if (!target) return tl::unexpected(target.error());
  constexpr double kNanosOfAMilli = 1e6;
  PlannedFault planned{.id = line.at("id").get<std::uint64_t>(),
                       .fault = *fault,
                       .target = *target,
                       .draw = line.value("draw", std::uint64_t{0})};
  planned.at = line.contains("at_ns")
                   ? line.at("at_ns").get<sys::Nanos>()
                   : static_cast<sys::Nanos>(line.at("t_ms").get<double>() * kNanosOfAMilli);
  if (line.contains("hold_ms"))
    planned.hold = static_cast<sys::Nanos>(line.at("hold_ms").get<double>() * kNanosOfAMilli);
  if (line.contains("requests")) planned.requests = line.at("requests").get<std::uint64_t>();
  if (line.contains("phase")) {
    const auto phase = ParsePhase(line.at("phase").get<std::string>());
    if (!phase) return tl::unexpected(phase.error());
    planned.phase = *phase;
  }
  return planned;
}

}  // namespace

sys::Result<std::vector<PlannedFault>> FaultsIn(std::string_view journal, const std::string& file) {
  std::vector<PlannedFault> faults;
  std::set<std::tuple<std::uint64_t, Fault, std::string>> known;
  std::istringstream lines{std::string(journal)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    const auto failure = [&](const std::string& why) {
      return sys::Failure(fmt::format("{}:{}: {}", file, number, why));
    };
    try {
      const auto fault = FaultOf(Json::parse(line));
      if (!fault) return failure(fault.error().message);
      if (known.emplace(fault->id, fault->fault, Name(fault->target)).second) faults.push_back(*fault);
    } catch (const Json::exception&) {
      return failure("no line of a journal of faults (harness inject --journal, harness run --journal)");
    }
  }
  if (faults.empty()) return sys::Failure(file + ": names no fault");
  std::ranges::stable_sort(faults, {}, &PlannedFault::at);
  for (PlannedFault& fault : faults) {
    if (fault.requests) fault.at = 0;
  }
  return faults;
}

}  // namespace hydrapool::harness
