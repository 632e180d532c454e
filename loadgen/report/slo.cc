#include "loadgen/report/slo.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "loadgen/plan/units.h"

namespace hydrapool::loadgen {
namespace {

std::optional<double> Number(std::string_view text) {
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number) || number < 0) return std::nullopt;
  return number;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool ReadMeasure(std::string_view name, Slo& slo) {
  if (name == "rps") {
    slo.measure = Slo::Measure::kRps;
    return true;
  }
  if (name == "errors") {
    slo.measure = Slo::Measure::kErrorCount;
    return true;
  }
  if (TakePrefix(name, "service.")) slo.of = Slo::Of::kService;
  if (TakePrefix(name, "lag.")) slo.of = Slo::Of::kLag;
  if (name == "max" || name == "mean") {
    slo.measure = name == "max" ? Slo::Measure::kMax : Slo::Measure::kMean;
    return true;
  }
  const auto percentile = TakePrefix(name, "p") ? Number(name) : std::nullopt;
  slo.percentile = percentile.value_or(0);
  return percentile && *percentile <= 100;
}

bool ReadLimit(std::string_view text, Slo& slo) {
  if (slo.measure == Slo::Measure::kErrorCount && text.ends_with('%')) {
    slo.measure = Slo::Measure::kErrorShare;
    text.remove_suffix(1);
  }
  if (slo.measure == Slo::Measure::kErrorCount || slo.measure == Slo::Measure::kErrorShare ||
      slo.measure == Slo::Measure::kRps) {
    const auto number = Number(text);
    slo.limit = number.value_or(0) / (slo.measure == Slo::Measure::kErrorShare ? 100 : 1);
    return number.has_value();
  }
  const auto duration = ParseDuration(text);
  if (!duration || Number(text)) return false;
  slo.limit = static_cast<double>(*duration) / sys::kMicrosecond;
  return true;
}

const LatencyHistogram& HistogramOf(const Slo& slo, const SloFacts& facts) {
  return slo.of == Slo::Of::kService ? facts.service : slo.of == Slo::Of::kLag ? facts.lag : facts.response;
}

double ValueOf(const Slo& slo, const SloFacts& facts) {
  const auto errors = static_cast<double>(facts.ended - facts.ok);
  switch (slo.measure) {
    case Slo::Measure::kRps:
      return facts.rps;
    case Slo::Measure::kErrorCount:
      return errors;
    case Slo::Measure::kErrorShare:
      return facts.ended == 0 ? 0 : errors / static_cast<double>(facts.ended);
    case Slo::Measure::kMax:
      return static_cast<double>(HistogramOf(slo, facts).max());
    case Slo::Measure::kMean:
      return HistogramOf(slo, facts).mean();
    case Slo::Measure::kPercentile:
      break;
  }
  return static_cast<double>(HistogramOf(slo, facts).ValueAtPercentile(slo.percentile));
}

std::string Shown(const Slo& slo, double value) {
  switch (slo.measure) {
    case Slo::Measure::kRps:
      return fmt::format("{:.1f}/s", value);
    case Slo::Measure::kErrorCount:
      return fmt::format("{:.0f}", value);
    case Slo::Measure::kErrorShare:
      return fmt::format("{:.4g} %", 100 * value);
    default:
      return FormatMicros(value);
  }
}

bool Holds(Slo::Compare compare, double value, double limit) {
  switch (compare) {
    case Slo::Compare::kLess:
      return value < limit;
    case Slo::Compare::kLessOrEqual:
      return value <= limit;
    case Slo::Compare::kMore:
      return value > limit;
    case Slo::Compare::kMoreOrEqual:
      break;
  }
  return value >= limit;
}

}  // namespace

sys::Result<Slo> ParseSlo(std::string_view flag, std::string_view text) {
  std::string compact(text);
  std::erase(compact, ' ');
  Slo slo;
  slo.text = compact;
  const std::string_view all = compact;
  const auto sign = all.find_first_of("<>");
  if (sign != all.npos) {
    const bool or_equal = all.substr(sign + 1).starts_with('=');
    const bool less = all[sign] == '<';
    slo.compare = less ? (or_equal ? Slo::Compare::kLessOrEqual : Slo::Compare::kLess)
                       : (or_equal ? Slo::Compare::kMoreOrEqual : Slo::Compare::kMore);
    if (ReadMeasure(all.substr(0, sign), slo) && ReadLimit(all.substr(sign + (or_equal ? 2 : 1)), slo))
      return slo;
  }
  return sys::Failure(
      fmt::format("{} '{}' is not an objective (like p99<50ms, errors<0.1% or rps>900)", flag, text));
}

SloFacts FactsOf(const RunResult& run) {
  const auto& tally = run.tally;
  return {.response = tally.response,
          .service = tally.service,
          .lag = tally.lag,
          .sent = tally.sent,
          .ended = tally.completed() + tally.failed(),
          .ok = tally.of(Outcome::kOk),
          .rps = run.throughput()};
}

SloVerdict Check(const Slo& slo, const SloFacts& facts) {
  const double value = ValueOf(slo, facts);
  return {.text = slo.text,
          .met = facts.sent > 0 && Holds(slo.compare, value, slo.limit),
          .value = value,
          .shown = Shown(slo, value)};
}

}  // namespace hydrapool::loadgen
