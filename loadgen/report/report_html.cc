#include "loadgen/report/report_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "loadgen/page/page.h"
#include "loadgen/report/page_parts.h"
#include "loadgen/report/series_rows.h"

namespace hydrapool::loadgen {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kStepsPerHalving = 4;
constexpr std::size_t kMostTargets = 100;

Json LatencyRow(const SeriesRow::Latency& latency) {
  if (latency.count == 0) return Json::array({nullptr, nullptr, nullptr, nullptr});
  return Json::array({latency.p50, latency.p90, latency.p99, latency.max});
}

Json RowsJson(const RunResult& run) {
  Json rows = Json::array();
  std::uint64_t in_flight = 0;
  for (const auto& row : Rows(run)) {
    in_flight += row.sent;
    in_flight -= std::min(in_flight, row.ok + row.errors);
    rows.push_back({{"t", row.begin_s + row.length_s / 2},
                    {"from", row.begin_s},
                    {"to", row.begin_s + row.length_s},
                    {"in_flight", in_flight},
                    {"rate", row.rate},
                    {"errors", row.length_s > 0 ? static_cast<double>(row.errors) / row.length_s : 0},
                    {"response", LatencyRow(row.response)},
                    {"service", LatencyRow(row.service)},
                    {"lag", LatencyRow(row.lag)}});
  }
  return rows;
}

/// For each row the bands that are not empty, and how many requests each has.
Json HeatJson(const RunResult& run) {
  Json columns = Json::array();
  for (const auto& column : Heat(run)) {
    Json bands = Json::array();
    for (const auto& [band, count] : column.bands) bands.push_back(Json::array({band, count}));
    columns.push_back(std::move(bands));
  }
  return columns;
}

Json FaultsJson(const Report& report) {
  Json faults = Json::array();
  for (const auto& fault : report.faults)
    faults.push_back({{"from", fault.from_s}, {"to", fault.to_s}, {"label", fault.label}});
  return faults;
}

}  // namespace

std::vector<std::pair<double, std::int64_t>> PercentileCurve(const LatencyHistogram& histogram) {
  std::vector<std::pair<double, std::int64_t>> curve;
  const auto most = static_cast<double>(histogram.count());
  for (double rest = 1; rest * most >= 1; rest *= std::pow(0.5, 1 / kStepsPerHalving))
    curve.emplace_back(100 * (1 - rest), histogram.ValueAtPercentile(100 * (1 - rest)));
  if (!curve.empty()) curve.emplace_back(100 * (1 - 0.5 / most), histogram.max());
  return curve;
}

std::string HtmlPage(const std::string& title, const Json& data) {
  return page::HtmlPage(title, data, {.body = page::kReportBody, .script = page::kReportScript});
}

std::string ToHtml(const Report& report) {
  auto summary = ToJson(report);
  auto& targets = summary["targets"];
  const auto all_targets = targets.size();
  if (all_targets > kMostTargets)
    targets.erase(targets.begin() + static_cast<std::ptrdiff_t>(kMostTargets), targets.end());
  summary["plan"].erase("urls");
  summary.erase("hdr_log");
  summary.erase("series");
  const auto& tally = report.run.tally;
  const auto title = Describe(report.plan, report.engine);
  return HtmlPage("loadgen: " + report.plan.targets.front().url,
                  {{"kind", "run"},
                   {"title", title},
                   {"command", CommandOf(report.plan)},
                   {"report", summary},
                   {"all_targets", all_targets},
                   {"rows", RowsJson(report.run)},
                   {"heat", HeatJson(report.run)},
                   {"curve",
                    {{"response", PercentileCurve(tally.latency.response)},
                     {"service", PercentileCurve(tally.latency.service)}}},
                   {"faults", FaultsJson(report)}});
}

}  // namespace hydrapool::loadgen
