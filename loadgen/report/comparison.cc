#include "loadgen/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "loadgen/plan/http_url.h"
#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kMostPaths = 60;

struct Measure {
  const char* name;
  bool more_is_better;
  std::function<double(const SeriesRow&)> of;
};

const std::array<Measure, 5>& Measures() {
  static const std::array<Measure, 5> kMeasures = {{
      {"rate", true, [](const SeriesRow& row) { return row.rate; }},
      {"p50", false, [](const SeriesRow& row) { return static_cast<double>(row.response.p50); }},
      {"p90", false, [](const SeriesRow& row) { return static_cast<double>(row.response.p90); }},
      {"p99", false, [](const SeriesRow& row) { return static_cast<double>(row.response.p99); }},
      {"errors", false,
       [](const SeriesRow& row) {
         const auto ended = row.ok + row.errors;
         return ended == 0 ? 0 : static_cast<double>(row.errors) / static_cast<double>(ended);
       }},
  }};
  return kMeasures;
}

std::vector<SeriesRow> Batches(const std::vector<SeriesRow>& rows) {
  std::vector<SeriesRow> batches;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].length_s >= rows.front().length_s / 2) batches.push_back(rows[i]);
  }
  return batches;
}

Estimate Of(const Measure& measure, const std::vector<SeriesRow>& rows) {
  std::vector<double> values;
  for (const auto& row : rows) values.push_back(measure.of(row));
  return EstimateOf(values);
}

/// z for which a normal variable is within ±z with probability 1 - alpha.
double NormalZ(double alpha) {
  const double t = std::sqrt(-2 * std::log(alpha / 2));
  return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) /
                 (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
}

double WelchDegrees(const Estimate& a, const Estimate& b) {
  const double both = a.variance + b.variance;
  const double rest = a.variance * a.variance / static_cast<double>(a.batches - 1) +
                      b.variance * b.variance / static_cast<double>(b.batches - 1);
  return rest > 0 ? both * both / rest : static_cast<double>(a.batches + b.batches - 2);
}

Difference Compare(const Measure& measure, const Estimate& a, const Estimate& b, const CompareRules& rules) {
  const double alpha = rules.alpha / static_cast<double>(Measures().size());
  const double reach = StudentT(alpha, WelchDegrees(a, b)) * std::sqrt(a.variance + b.variance);
  const double middle = b.mean - a.mean;
  Difference difference{
      .measure = measure.name, .a = a.mean, .b = b.mean, .low = middle - reach, .high = middle + reach};
  const bool beyond_zero = difference.low > 0 || difference.high < 0;
  if (beyond_zero && std::abs(middle) > rules.tolerance * std::abs(a.mean))
    difference.verdict =
        (middle > 0) == measure.more_is_better ? Difference::Verdict::kBetter : Difference::Verdict::kWorse;
  return difference;
}

std::string RateOf(const Plan& plan) {
  if (!plan.stages.empty()) return "stages";
  return plan.rate ? fmt::format("{:g}/s", *plan.rate) : "closed loop";
}

/// Without hosts, which may well differ.
std::string Paths(const Plan& plan) {
  std::string paths;
  for (const auto& text : plan.urls) {
    const auto url = ParseHttpUrl(text);
    paths += (paths.empty() ? "" : " ") + (url ? url->target : text);
  }
  return Printable(paths, kMostPaths);
}

}  // namespace

std::vector<std::string> PlanDifferences(const Plan& a, const Plan& b) {
  const auto arrival = [](const Plan& plan) { return plan.poisson ? "poisson" : "constant"; };
  const auto connection = [](const Plan& plan) { return plan.keep_alive ? "keepalive" : "close"; };
  std::vector<std::string> differences;
  const auto compare = [&differences](std::string_view name, const auto& of_a, const auto& of_b) {
    if (of_a != of_b) differences.push_back(fmt::format("{}: {} and {}", name, of_a, of_b));
  };
  compare("rate", RateOf(a), RateOf(b));
  compare("connections", a.connections, b.connections);
  compare("threads", a.threads, b.threads);
  compare("arrival", std::string(arrival(a)), std::string(arrival(b)));
  compare("connection", std::string(connection(a)), std::string(connection(b)));
  compare("method", a.method, b.method);
  compare("paths", Paths(a), Paths(b));
  return differences;
}

Estimate EstimateOf(std::span<const double> batches) {
  Estimate estimate{.batches = batches.size()};
  const auto n = static_cast<double>(batches.size());
  for (const double x : batches) estimate.mean += x / n;
  for (const double x : batches) estimate.variance += (x - estimate.mean) * (x - estimate.mean) / (n - 1) / n;
  return estimate;
}

double StudentT(double alpha, double degrees) {
  const double z = NormalZ(alpha);
  const double z2 = z * z;
  const double d = degrees;
  return z * (1 + (z2 + 1) / (4 * d) + ((5 * z2 + 16) * z2 + 3) / (96 * d * d) +
              (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * d * d * d) +
              ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / (92160 * d * d * d * d));
}

std::vector<Difference> CompareRuns(const std::vector<SeriesRow>& a, const std::vector<SeriesRow>& b,
                                    const CompareRules& rules) {
  const auto batches_a = Batches(a);
  const auto batches_b = Batches(b);
  if (std::min(batches_a.size(), batches_b.size()) < kFewest) return {};
  std::vector<Difference> differences;
  for (const auto& measure : Measures())
    differences.push_back(Compare(measure, Of(measure, batches_a), Of(measure, batches_b), rules));
  return differences;
}

}  // namespace hydrapool::loadgen
