#include "harness/verdict/expectations.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "pool/sys/nearest_name.h"
#include "pool/sys/units.h"

namespace hydrapool::harness {

const std::vector<MeasureInfo>& Measures() {
  static const std::vector<MeasureInfo> measures{
      {Measure::kLost, "lost", false, "requests lost"},
      {Measure::kCut, "cut", false, "answers cut"},
      {Measure::kAbandoned, "abandoned", false, "requests answered with 500 or above"},
      {Measure::kUnexplained, "unexplained", false, "failed requests that no fault explains"},
      {Measure::kDuplicated, "duplicated", false, "answers beyond the one"},
      {Measure::kWrong, "wrong", false, "answers that are another's"},
      {Measure::kIdleLost, "idle_lost", false, "idle connections lost"},
      {Measure::kUnreaped, "unreaped", false, "dead children that nobody has reaped"},
      {Measure::kExtraWorkers, "extra_workers", false, "workers more than at the start"},
      {Measure::kMissingWorkers, "missing_workers", false, "workers fewer than at the start"},
      {Measure::kLeaked, "leaked", false, "descriptors of the main process more than at the start"},
      {Measure::kExecutedTwice, "executed_twice", false, "requests executed more than once"},
      {Measure::kCpuPerRequest, "cpu_per_request", true, "CPU time of the server for each request"},
      {Measure::kReapP99, "reap_p99", true, "reap p99"},
      {Measure::kReadyP99, "ready_p99", true, "replacement ready p99"},
      {Measure::kRecoveryP99, "recovery_p99", true, "recovery p99"},
      {Measure::kResponseP99, "response_p99", true, "response p99"},
  };
  return measures;
}

const MeasureInfo& InfoOf(Measure measure) {
  return *std::ranges::find(Measures(), measure, &MeasureInfo::measure);
}

Expectations DefaultExpectations() {
  return {
      {Measure::kUnexplained, 0}, {Measure::kDuplicated, 0}, {Measure::kWrong, 0}, {Measure::kUnreaped, 0}};
}

sys::Result<std::pair<Measure, std::int64_t>> ParseExpectation(const std::string& text) {
  const auto equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const std::string value = equals == text.npos ? "" : text.substr(equals + 1);
  const auto info = std::ranges::find(Measures(), name, &MeasureInfo::name);
  if (info == Measures().end()) {
    std::vector<std::string_view> names;
    for (const MeasureInfo& each : Measures()) names.push_back(each.name);
    return sys::Failure(sys::NoSuchName(name, names));
  }
  if (info->is_time) {
    const auto nanos = sys::ParseDuration(value);
    if (!nanos) return sys::Failure(fmt::format("{}: {}", name, nanos.error().message));
    return std::pair{info->measure, *nanos};
  }
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (value.empty() || error != std::errc{} || end != value.data() + value.size() || count < 0)
    return sys::Failure(fmt::format("{}: '{}' is not a count such as {}=0", name, value, name));
  return std::pair{info->measure, count};
}

}  // namespace hydrapool::harness
