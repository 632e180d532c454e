#include "harness/fault/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <tuple>

namespace hydrapool::harness {
namespace {

using Json = nlohmann::json;

/// Throws as a value of another type does.
std::uint64_t Whole(const Json& value, std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most)
    throw Json::type_error::create(302, "no such whole number", &value);
  return value.get<std::uint64_t>();
}

sys::Nanos TimeOf(const Json& millis) {
  constexpr double kNanosOfAMilli = 1e6;
  constexpr double kMostMillis = 1e11;  // three years
  const auto value = millis.get<double>();
  if (!(value >= 0 && value <= kMostMillis)) throw Json::type_error::create(302, "no such time", &millis);
  return static_cast<sys::Nanos>(value * kNanosOfAMilli);
}

sys::Result<Target> VictimOf(const Json& line, const Target& target) {
  const std::string role = line.value("role", "");
  if (target == Target::kServer) return target;
  if (line.contains("slot"))
    return Target(role == "program" ? Target::kCgiOf : Target::kSlot,
                  static_cast<int>(Whole(line.at("slot"), std::numeric_limits<int>::max())));
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
  constexpr std::uint64_t kMostNanos = 100'000'000 * std::uint64_t{sys::kSecond};
  PlannedFault planned{.id = Whole(line.at("id")), .fault = *fault, .target = *target};
  if (line.contains("draw")) planned.draw = Whole(line.at("draw"));
  planned.at = line.contains("at_ns") ? static_cast<sys::Nanos>(Whole(line.at("at_ns"), kMostNanos))
                                      : TimeOf(line.at("t_ms"));
  if (line.contains("hold_ms")) planned.hold = TimeOf(line.at("hold_ms"));
  if (line.contains("requests")) planned.requests = Whole(line.at("requests"));
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
