#include "loadgen/report/series_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

namespace hydrapool::loadgen {
namespace {

constexpr int kShortest = 10;  // a tenth

SeriesRow::Latency LatencyOf(const PackedHistogram& packed) {
  const auto histogram = packed.Unpack();
  return {.count = histogram.count(),
          .p50 = histogram.ValueAtPercentile(50),
          .p90 = histogram.ValueAtPercentile(90),
          .p99 = histogram.ValueAtPercentile(99),
          .max = histogram.max(),
          .mean = histogram.mean()};
}

std::vector<SeriesRow::Target> TargetsOf(const Interval& interval) {
  std::vector<SeriesRow::Target> targets;
  for (const auto& target : interval.targets)
    targets.push_back({.sent = target.sent,
                       .ok = target.ok,
                       .errors = target.errors,
                       .response = LatencyOf(target.response),
                       .phases = target.phases});
  return targets;
}

std::string CsvField(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

SeriesRow RowOf(sys::Nanos begin, sys::Nanos length, const Interval& interval) {
  const double seconds = sys::ToSeconds(length);
  return {.begin_s = sys::ToSeconds(begin),
          .length_s = seconds,
          .sent = interval.sent,
          .completed = interval.completed(),
          .ok = interval.ok(),
          .errors = interval.ended() - interval.ok(),
          .outcomes = interval.outcomes,
          .rate = seconds > 0 ? static_cast<double>(interval.completed()) / seconds : 0,
          .response = LatencyOf(interval.response),
          .service = LatencyOf(interval.service),
          .lag = LatencyOf(interval.lag),
          .targets = TargetsOf(interval)};
}

std::string LatencyFields(const SeriesRow::Latency& latency) {
  if (latency.count == 0) return ",,,,,";
  return fmt::format(",{},{},{},{},{:.1f}", latency.p50, latency.p90, latency.p99, latency.max, latency.mean);
}

sys::Nanos EndOf(const RunResult& run) {
  return std::max(run.duration, run.series.intervals().rbegin()->first + 1);
}

/// One after the other, by when they begin, as Rows has them.
std::vector<std::pair<sys::Nanos, Interval>> AllIntervals(const RunResult& run) {
  const auto& intervals = run.series.intervals();
  if (intervals.empty()) return {};
  const auto width = run.series.width();
  const auto end = EndOf(run);
  std::vector<std::pair<sys::Nanos, Interval>> all;
  for (sys::Nanos begin = 0; begin < end; begin += width) {
    const auto found = intervals.find(begin);
    const auto interval = found == intervals.end() ? Interval{} : found->second;
    if (begin > 0 && end - begin < width / kShortest) {
      all.back().second.Merge(interval);
    } else {
      all.emplace_back(begin, interval);
    }
  }
  return all;
}

int BandOf(std::int64_t micros) {
  return static_cast<int>(std::log10(static_cast<double>(std::max<std::int64_t>(micros, 1))) *
                          HeatColumn::kBandsOfADecade);
}

constexpr std::size_t kFirstError = static_cast<std::size_t>(Outcome::kOk) + 1;

/// The columns of a URL, or of all that have none of their own.
struct TargetColumns {
  std::string name = {};
  bool timed = true;
  std::set<Outcome> errors = {};      // those that it had
  std::set<std::size_t> phases = {};  // likewise
};

std::vector<TargetColumns> ColumnsOf(const std::vector<SeriesRow>& rows,
                                     const std::vector<std::string>& urls) {
  std::vector<TargetColumns> columns;
  if (urls.size() < 2) return columns;
  for (std::size_t i = 0; i < std::min(urls.size(), TargetCutter::kOthers); ++i)
    columns.push_back({.name = urls[i]});
  if (urls.size() > TargetCutter::kOthers)
    columns.push_back(
        {.name = fmt::format("({} others)", urls.size() - TargetCutter::kOthers), .timed = false});
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < std::min(row.targets.size(), columns.size()); ++i) {
      for (const auto& [outcome, n] : row.targets[i].errors) columns[i].errors.insert(outcome);
      for (std::size_t phase = 0; phase < kPhases; ++phase) {
        if (row.targets[i].phases[phase].count > 0) columns[i].phases.insert(phase);
      }
    }
  }
  return columns;
}

std::string HeadOf(const TargetColumns& columns) {
  std::vector<std::string> names = {"sent", "ok", "errors"};
  if (columns.timed) names.insert(names.end(), {"p50_us", "p99_us"});
  for (const auto outcome : columns.errors) names.emplace_back(Name(outcome));
  for (const auto phase : columns.phases) names.push_back(fmt::format("{}_mean_us", kPhaseNames[phase]));
  std::string head;
  for (const auto& name : names) head += "," + CsvField(fmt::format("{} {}", columns.name, name));
  return head;
}

std::string FieldsOf(const TargetColumns& columns, const SeriesRow::Target& target) {
  const auto of = [&target](Outcome outcome) {
    const auto found = target.errors.find(outcome);
    return found == target.errors.end() ? 0 : found->second;
  };
  std::uint64_t all = 0;
  for (const auto outcome : columns.errors) all += of(outcome);
  auto fields = fmt::format(",{},{},{}", target.sent, target.ok, all);
  if (columns.timed)
    fields +=
        target.response.count == 0 ? ",," : fmt::format(",{},{}", target.response.p50, target.response.p99);
  for (const auto outcome : columns.errors) fields += fmt::format(",{}", of(outcome));
  for (const auto phase : columns.phases) {
    const auto& took = target.phases[phase];
    fields += took.count == 0 ? "," : fmt::format(",{:.1f}", took.mean());
  }
  return fields;
}

}  // namespace

std::vector<SeriesRow> Rows(const RunResult& run) {
  const auto all = AllIntervals(run);
  std::vector<SeriesRow> rows;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [begin, interval] = all[i];
    rows.push_back(RowOf(begin, (i + 1 < all.size() ? all[i + 1].first : EndOf(run)) - begin, interval));
  }
  return rows;
}

std::vector<HeatColumn> Heat(const RunResult& run) {
  std::vector<HeatColumn> columns;
  for (const auto& [begin, interval] : AllIntervals(run)) {
    auto& bands = columns.emplace_back().bands;
    const auto histogram = interval.response.Unpack();
    for (std::size_t i = 0; i < histogram.end_index(); ++i) {
      const auto count = histogram.CountAt(i);
      if (count > 0) bands[BandOf(LatencyHistogram::LowestAt(i))] += count;
    }
  }
  return columns;
}

std::string ToCsv(const std::vector<SeriesRow>& rows, const std::vector<std::string>& urls) {
  const auto targets = ColumnsOf(rows, urls);
  std::string text = "begin_s,length_s,sent,completed,ok,errors,rate_rps";
  const auto out = std::back_inserter(text);
  for (const auto* latency : {"response", "service", "lag"}) {
    for (const auto* name : {"p50", "p90", "p99", "max", "mean"})
      fmt::format_to(out, ",{}_{}_us", latency, name);
  }
  for (std::size_t i = kFirstError; i < kOutcomes; ++i)
    fmt::format_to(out, ",error_{}", Name(static_cast<Outcome>(i)));
  for (const auto& target : targets) text += HeadOf(target);
  text += '\n';
  for (const auto& row : rows) {
    fmt::format_to(out, "{:.3f},{:.3f},{},{},{},{},{:.1f}", row.begin_s, row.length_s, row.sent,
                   row.completed, row.ok, row.errors, row.rate);
    text += LatencyFields(row.response) + LatencyFields(row.service) + LatencyFields(row.lag);
    for (std::size_t i = kFirstError; i < kOutcomes; ++i) fmt::format_to(out, ",{}", row.outcomes[i]);
    for (std::size_t i = 0; i < targets.size(); ++i)
      text += FieldsOf(targets[i], i < row.targets.size() ? row.targets[i] : SeriesRow::Target{});
    text += '\n';
  }
  return text;
}

}  // namespace hydrapool::loadgen
