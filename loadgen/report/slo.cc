#include "loadgen/report/slo.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "loadgen/plan/figures.h"
#include "loadgen/plan/http_url.h"
#include "pool/sys/units.h"

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

std::optional<Slo::Measure> CountOf(std::string_view name) {
  using Measure = Slo::Measure;
  for (const auto& [known, measure] :
       {std::pair("rps", Measure::kRps), std::pair("errors", Measure::kErrors),
        std::pair("unanswered", Measure::kUnanswered), std::pair("dropped", Measure::kDropped),
        std::pair("achieved", Measure::kAchieved)}) {
    if (name == known) return measure;
  }
  return std::nullopt;
}

bool IsLatency(Slo::Measure measure) { return measure <= Slo::Measure::kMean; }

bool ReadMeasure(std::string_view name, Slo& slo) {
  if (const auto count = CountOf(name)) {
    slo.measure = *count;
    return true;
  }
  if (TakePrefix(name, "service.")) {
    slo.of = Slo::Of::kService;
  } else if (TakePrefix(name, "lag.")) {
    slo.of = Slo::Of::kLag;
  }
  if (name == "max" || name == "mean") {
    slo.measure = name == "max" ? Slo::Measure::kMax : Slo::Measure::kMean;
    return true;
  }
  const auto percentile = TakePrefix(name, "p") ? Number(name) : std::nullopt;
  slo.percentile = percentile.value_or(0);
  return percentile && *percentile <= 100;
}

bool ReadLimit(std::string_view text, Slo& slo) {
  if (IsLatency(slo.measure)) {
    const auto duration = sys::ParseDuration(text);
    if (!duration || Number(text)) return false;
    slo.limit = static_cast<double>(*duration) / sys::kMicrosecond;
    return true;
  }
  slo.share = slo.measure != Slo::Measure::kRps && text.ends_with('%');
  if (slo.measure == Slo::Measure::kAchieved && !slo.share) return false;
  if (slo.share) text.remove_suffix(1);
  const auto number = Number(text);
  slo.limit = number.value_or(0) / (slo.share ? 100 : 1);
  return number.has_value();
}

double ValueOf(const Slo& slo, const LatencyHistogram& histogram) {
  if (slo.measure == Slo::Measure::kMax) return static_cast<double>(histogram.max());
  if (slo.measure == Slo::Measure::kMean) return histogram.mean();
  return static_cast<double>(histogram.ValueAtPercentile(slo.percentile));
}

struct Figure {
  double value = 0;
  std::uint64_t samples = 0;
};

/// The worse one of all requests' and the ok answers' alone.
Figure WorseOf(const Slo& slo, const LatencyHistogram& all, const LatencyHistogram& ok) {
  const bool bound_above = slo.compare == Slo::Compare::kLess || slo.compare == Slo::Compare::kLessOrEqual;
  if (bound_above && ok.count() == 0) return {.value = ValueOf(slo, all), .samples = 0};
  const auto of_all = ValueOf(slo, all);
  const auto of_ok = ValueOf(slo, ok);
  return of_ok > of_all ? Figure{of_ok, ok.count()} : Figure{of_all, all.count()};
}

Figure Latency(const Slo& slo, const SloFacts& facts) {
  if (slo.of == Slo::Of::kLag) return {ValueOf(slo, facts.lag), facts.lag.count()};
  return slo.of == Slo::Of::kService ? WorseOf(slo, facts.service, facts.ok_service)
                                     : WorseOf(slo, facts.response, facts.ok_response);
}

Figure Count(const Slo& slo, const SloFacts::Part& part) {
  if (part.of == 0) return {};
  const auto n = static_cast<double>(part.n);
  return {slo.share ? n / static_cast<double>(part.of) : n, part.of};
}

Figure FigureOf(const Slo& slo, const SloFacts& facts) {
  switch (slo.measure) {
    case Slo::Measure::kRps:
      return {facts.rps, facts.sent};
    case Slo::Measure::kErrors:
      return Count(slo, facts.errors);
    case Slo::Measure::kUnanswered:
      return Count(slo, facts.unanswered);
    case Slo::Measure::kDropped:
      return Count(slo, facts.dropped);
    case Slo::Measure::kAchieved:
      return Count(slo, facts.achieved);
    default:
      return Latency(slo, facts);
  }
}

std::string Shown(const Slo& slo, double value) {
  if (IsLatency(slo.measure)) return FormatMicros(value);
  if (slo.measure == Slo::Measure::kRps) return fmt::format("{:.1f}/s", value);
  return slo.share ? fmt::format("{:.4g} %", 100 * value) : fmt::format("{:.0f}", value);
}

bool Fits(const std::string& name, const std::string& url) {
  const auto parsed = ParseHttpUrl(url);
  const std::string_view target = parsed ? std::string_view(parsed->target) : std::string_view(url);
  const auto path = target.substr(0, target.find('?'));
  for (const auto form : {std::string_view(url), target, path}) {
    if (form == name || (form.starts_with('/') && form.size() > 1 && form.substr(1) == name)) return true;
  }
  return false;
}

/// How many of those never sent fall to a URL to which `sent` were.
std::uint64_t UnsentShare(const RunResult& run, std::uint64_t sent) {
  if (run.tally.sent == 0) return 0;
  return static_cast<std::uint64_t>(std::ceil(static_cast<double>(run.unsent()) * static_cast<double>(sent) /
                                              static_cast<double>(run.tally.sent)));
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
  const auto failure = sys::Failure(
      fmt::format("{} '{}' is not an objective (like p99<50ms, errors<0.1% or rps>900)", flag, text));
  Slo slo;
  const auto colon = text.rfind(':');
  std::string compact(text.substr(colon == text.npos ? 0 : colon + 1));
  std::erase(compact, ' ');
  slo.text = compact;
  if (colon != text.npos) {
    slo.target = text.substr(0, colon);
    slo.target.erase(0, slo.target.find_first_not_of(' '));
    slo.target.erase(slo.target.find_last_not_of(' ') + 1);
    slo.text = slo.target + ": " + compact;
    if (slo.target.empty()) return failure;
  }
  const std::string_view all = compact;
  const auto sign = all.find_first_of("<>");
  if (sign == all.npos) return failure;
  const bool or_equal = all.substr(sign + 1).starts_with('=');
  const bool less = all[sign] == '<';
  slo.compare = less ? (or_equal ? Slo::Compare::kLessOrEqual : Slo::Compare::kLess)
                     : (or_equal ? Slo::Compare::kMoreOrEqual : Slo::Compare::kMore);
  if (!ReadMeasure(all.substr(0, sign), slo) || !ReadLimit(all.substr(sign + (or_equal ? 2 : 1)), slo))
    return failure;
  const bool of_schedule = slo.measure == Slo::Measure::kDropped || slo.measure == Slo::Measure::kAchieved;
  if (!slo.target.empty() && (slo.of != Slo::Of::kResponse || of_schedule))
    return sys::Failure(
        fmt::format("{} '{}': of one URL only response latencies, errors, unanswered and rps", flag, text));
  return slo;
}

sys::Result<void> AimAt(const std::vector<std::string>& urls, std::vector<Slo>& slos) {
  for (auto& slo : slos) {
    if (slo.target.empty()) continue;
    std::vector<std::size_t> fitting;
    for (std::size_t i = 0; i < urls.size(); ++i) {
      if (Fits(slo.target, urls[i])) fitting.push_back(i);
    }
    if (fitting.size() != 1)
      return sys::Failure(
          fmt::format("'{}' names {} URL", slo.text, fitting.empty() ? "no" : "more than one"));
    if (fitting.front() >= TargetList::kMostTimed && IsLatency(slo.measure))
      return sys::Failure(fmt::format("'{}': only the first {} URLs have latencies of their own", slo.text,
                                      TargetList::kMostTimed));
    if (urls.size() > 1) slo.url = fitting.front();
  }
  return {};
}

SloFacts FactsOf(const TargetCounts& counts, double seconds) {
  static const LatencyHistogram kNone;
  const auto sent = counts.sent;
  return {.response = counts.response,
          .service = kNone,
          .lag = kNone,
          .ok_response = counts.response.Since(counts.not_ok_response),
          .errors = {sent - std::min(sent, counts.ok), sent},
          .unanswered = {sent - std::min(sent, counts.completed), sent},
          .sent = sent,
          .rps = seconds > 0 ? static_cast<double>(counts.completed) / seconds : 0};
}

SloFacts FactsOf(const RunResult& run) {
  const auto& tally = run.tally;
  const auto ok = tally.outcomes.of(Outcome::kOk);
  return {.response = tally.latency.response,
          .service = tally.latency.service,
          .lag = tally.latency.lag,
          .ok_response = tally.latency.response.Since(tally.parts.not_ok_response),
          .ok_service = tally.latency.service.Since(tally.parts.not_ok_service),
          .errors = {run.scheduled - std::min(ok, run.scheduled), run.scheduled},
          .unanswered = {tally.sent - tally.outcomes.completed(), tally.sent},
          .dropped = {run.unsent(), run.scheduled - tally.follow_ups},
          .achieved = {run.sent_in_time(), run.scheduled - tally.follow_ups},
          .sent = tally.sent,
          .rps = run.throughput()};
}

SloFacts FactsSoFar(const LatenciesSoFar& latencies, const Progress& progress, std::uint64_t sent_before,
                    std::uint64_t due, double seconds) {
  const auto ended = progress.ended();
  const auto errors = ended - progress.of(Outcome::kOk);
  const auto old = sent_before - std::min(sent_before, ended);
  const auto dropped = progress.dropped;
  return {.response = latencies.response,
          .service = latencies.service,
          .lag = latencies.lag,
          .ok_response = latencies.response.Since(latencies.not_ok_response),
          .ok_service = latencies.service.Since(latencies.not_ok_service),
          .errors = {errors + dropped, ended + dropped},
          .unanswered = {ended - progress.completed() + old, progress.sent},
          .dropped = {dropped, progress.sent + dropped},
          .achieved = {std::min(progress.sent, due), due},
          .sent = progress.sent,
          .rps = seconds > 0 ? static_cast<double>(progress.completed()) / seconds : 0};
}

SloVerdict Check(const Slo& slo, const SloFacts& facts) {
  const auto figure = FigureOf(slo, facts);
  return {.text = slo.text,
          .met = figure.samples > 0 && Holds(slo.compare, figure.value, slo.limit),
          .value = figure.value,
          .shown = Shown(slo, figure.value),
          .samples = figure.samples};
}

SloVerdict Check(const Slo& slo, const RunResult& run) {
  if (!slo.url) return Check(slo, FactsOf(run));
  const auto& tally = run.tally;
  const auto& counts = tally.targets.of(*slo.url);
  const double rps = run.throughput();
  auto facts = FactsOf(counts, rps > 0 ? static_cast<double>(tally.outcomes.completed()) / rps : 0);
  const auto unsent = UnsentShare(run, counts.sent);
  facts.errors.n += unsent;
  facts.errors.of += unsent;
  return Check(slo, facts);
}

}  // namespace hydrapool::loadgen
