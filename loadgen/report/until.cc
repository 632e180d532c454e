#include "loadgen/report/until.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace hydrapool::loadgen {
namespace {

constexpr double kAlpha = 0.05;

/// Takes the words off `text`'s front, if they are there.
bool Take(std::string_view& text, std::string_view words) {
  if (!text.starts_with(words)) return false;
  text.remove_prefix(words.size());
  return true;
}

}  // namespace

sys::Result<Until> ParseUntil(std::string_view text) {
  Until until{.text = std::string(text)};
  auto rest = text;
  double percent = 0;
  for (const auto figure : {Figure::kP999, Figure::kP50, Figure::kP90, Figure::kP99}) {
    rest = text;
    if (!Take(rest, kFigureNames[static_cast<std::size_t>(figure)])) continue;
    if (!Take(rest, "±") && !Take(rest, "+-")) continue;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), percent, std::chars_format::fixed);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (error != std::errc() || rest != "%" || !(percent > 0) || percent > 100) continue;
    until.figure = figure;
    until.share = percent / 100;
    return until;
  }
  return sys::Failure(
      fmt::format("--until '{}' is not like p99±5% (p50, p90, p99 or p99.9; +- will do)", text));
}

std::optional<double> PrecisionOf(const Until& until, const RunSample& sample) {
  const auto range = IntervalOf(sample, ScatterOf(sample), until.figure, kAlpha);
  const double own = sample.own[static_cast<std::size_t>(until.figure)];
  if (range.high <= 0 || own <= 0) return std::nullopt;
  return std::max(range.high / own - 1, 1 - range.low / own);
}

std::optional<double> PrecisionSoFar(const Until& until, const IntervalSeries& series, sys::Nanos elapsed) {
  const auto sample = SampleOf(series, elapsed / series.width() * series.width());
  if (sample.seconds.size() < kFewestSeconds) return std::nullopt;
  return PrecisionOf(until, sample);
}

std::string Tell(const Until& until, const RunResult& run) {
  const auto precision = PrecisionOf(until, SampleOf(run));
  if (!precision) return fmt::format("{} is not known: too few answers", until.text);
  return fmt::format("{}: ±{:.1f} % after {:.0f} s", until.text, 100 * *precision,
                     sys::ToSeconds(run.sending));
}

}  // namespace hydrapool::loadgen
