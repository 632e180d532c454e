#include "loadgen/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "loadgen/plan/http_url.h"
#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kMostPaths = 60;
constexpr double kTailResolution = 4;  // times that of the others
constexpr double kErrorResolution = 0.001;
constexpr double kStallFactor = 10;
constexpr double kStallMicros = 100'000;
constexpr double kLowestRate = 1e-3;

double Resolution(Figure figure, const CompareRules& rules) {
  if (figure == Figure::kErrors) return kErrorResolution;
  return figure == Figure::kP999 ? kTailResolution * rules.resolution : rules.resolution;
}

struct Side {
  const RunSample& sample;
  Scatter scatter;
};

bool Known(Figure figure, const RunSample& sample) {
  return PercentileOf(figure) == 0 || EnoughFor(PercentileOf(figure), sample.answers);
}

/// Half of the interval's width, as the figure scatters.
double Reach(std::size_t i, const Side& a, const Side& b, double alpha) {
  const double of_a = a.scatter.error[i] * a.scatter.error[i];
  const double of_b = b.scatter.error[i] * b.scatter.error[i];
  const double both = of_a + of_b;
  if (both <= 0) return 0;
  const double degrees = both * both / (of_a * of_a / a.scatter.degrees + of_b * of_b / b.scatter.degrees);
  return StudentT(alpha, degrees) * std::sqrt(both);
}

/// In how many seconds more answers were slower than `micros` than the percentile allows.
int SecondsBeyond(const RunSample& run, double percentile, double micros) {
  const auto bucket = SampleSecond::BucketOf(static_cast<std::int64_t>(micros));
  return static_cast<int>(std::ranges::count_if(run.seconds, [&](const SampleSecond& second) {
    double all = 0;
    double beyond = 0;
    for (std::size_t i = 0; i < second.latencies.size(); ++i) {
      all += second.latencies[i];
      if (i > bucket) beyond += second.latencies[i];
    }
    return beyond > all * (1 - percentile / 100);
  }));
}

/// How likely at least `k` of `n` is where each is one with probability `p`.
double AtLeast(int k, int n, double p) {
  double sum = 0;
  for (int i = k; i <= n; ++i) {
    sum += std::exp(std::lgamma(n + 1.0) - std::lgamma(i + 1.0) - std::lgamma(n - i + 1.0) + i * std::log(p) +
                    (n - i) * std::log(1 - p));
  }
  return sum;
}

/// Whether a percentile that differs does so because of more seconds than chance puts on one side.
bool InEnoughSeconds(Figure figure, const Side& a, const Side& b, const Difference& d, double alpha) {
  const double between = std::sqrt(d.a * d.b);
  const int of_a = SecondsBeyond(a.sample, PercentileOf(figure), between);
  const int of_b = SecondsBeyond(b.sample, PercentileOf(figure), between);
  const auto n_a = static_cast<double>(a.sample.seconds.size());
  const auto n_b = static_cast<double>(b.sample.seconds.size());
  const double slower = (d.change > 0 ? n_b : n_a) / (n_a + n_b);
  return AtLeast(d.change > 0 ? of_b : of_a, of_a + of_b, slower) <= alpha / 2;
}

void Judge(Figure figure, const CompareRules& rules, Difference& d) {
  const bool clear = d.low > 0 || d.high < 0;
  const double tolerance = figure == Figure::kErrors ? 0 : rules.tolerance;
  const double resolution = Resolution(figure, rules);
  if (clear && std::abs(d.change) > tolerance) {
    d.verdict =
        (d.change > 0) == (figure == Figure::kRate) ? CompareVerdict::kBetter : CompareVerdict::kWorse;
  } else if (clear || d.within() <= resolution) {
    d.verdict = CompareVerdict::kSame;
  } else {
    d.suspicious = std::abs(d.change) > resolution;
  }
}

Difference Compare(Figure figure, const Side& a, const Side& b, const CompareRules& rules) {
  const auto i = static_cast<std::size_t>(figure);
  Difference d{.measure = std::string(kFigureNames[i]),
               .a = a.sample.own[i],
               .b = b.sample.own[i],
               .a_known = Known(figure, a.sample),
               .b_known = Known(figure, b.sample)};
  const double reach = Reach(i, a, b, rules.alpha / static_cast<double>(kFigures));
  if (figure == Figure::kErrors) {
    d.change = d.b - d.a;
    d.low = d.change - reach;
    d.high = d.change + reach;
    Judge(figure, rules, d);
    return d;
  }
  const bool rate = figure == Figure::kRate;
  const bool none = rate ? d.a <= 0 && d.b <= 0 : d.a <= 0 || d.b <= 0;
  d.too_few = none || !d.a_known || !d.b_known;
  const double before = rate ? std::max(d.a, kLowestRate) : d.a;
  if (none || before <= 0) return d;
  const double ratio = d.b / before;
  d.change = ratio - 1;
  d.low = ratio / std::exp(reach) - 1;
  d.high = ratio * std::exp(reach) - 1;
  if (d.too_few) return d;
  Judge(figure, rules, d);
  const bool differs = d.verdict == CompareVerdict::kWorse || d.verdict == CompareVerdict::kBetter;
  if (differs && PercentileOf(figure) > 0 && !InEnoughSeconds(figure, a, b, d, rules.alpha)) {
    const double resolution = Resolution(figure, rules);
    d.verdict = d.within() <= resolution ? CompareVerdict::kSame : CompareVerdict::kUnclear;
    d.suspicious = std::abs(d.change) > resolution;
  }
  return d;
}

/// One answer each: no interval.
Difference CompareMax(const RunSample& a, const RunSample& b) {
  Difference d{.measure = "max",
               .a = a.max,
               .b = b.max,
               .too_few = true,
               .a_known = a.answers > 0,
               .b_known = b.answers > 0};
  if (a.max > 0) d.change = b.max / a.max - 1;
  const auto [low, high] = std::minmax(a.max, b.max);
  d.suspicious = high > kStallFactor * low && high - low > kStallMicros;
  return d;
}

std::string RateOf(const Plan& plan) {
  if (!plan.arrivals.stages.empty()) return "stages";
  return plan.arrivals.rate ? fmt::format("{:g}/s", *plan.arrivals.rate) : "closed loop";
}

/// Without hosts, which may well differ.
std::string Paths(const Plan& plan) {
  std::string paths;
  for (const auto& target : plan.targets) {
    const auto url = ParseHttpUrl(target.url);
    paths += (paths.empty() ? "" : " ") + (url ? url->target : target.url);
  }
  return Printable(paths, kMostPaths);
}

}  // namespace

std::string_view Name(CompareVerdict verdict) {
  switch (verdict) {
    case CompareVerdict::kSame:
      return "same";
    case CompareVerdict::kBetter:
      return "better";
    case CompareVerdict::kWorse:
      return "worse";
    default:
      return "unclear";
  }
}

double Difference::within() const { return std::max(std::abs(low), std::abs(high)); }

std::vector<std::string> PlanDifferences(const Plan& a, const Plan& b) {
  const auto arrival = [](const Plan& plan) { return plan.arrivals.poisson ? "poisson" : "constant"; };
  const auto connection = [](const Plan& plan) { return plan.wire.keep_alive ? "keepalive" : "close"; };
  std::vector<std::string> differences;
  const auto compare = [&differences](std::string_view name, const auto& of_a, const auto& of_b) {
    if (of_a != of_b) differences.push_back(fmt::format("{}: {} and {}", name, of_a, of_b));
  };
  compare("rate", RateOf(a), RateOf(b));
  compare("connections", a.connections, b.connections);
  compare("threads", a.threads, b.threads);
  compare("arrival", std::string(arrival(a)), std::string(arrival(b)));
  compare("connection", std::string(connection(a)), std::string(connection(b)));
  compare("byte rate", a.wire.extras.limit_rate, b.wire.extras.limit_rate);
  compare("method", MethodOf(a), MethodOf(b));
  compare("paths", Paths(a), Paths(b));
  return differences;
}

std::vector<Difference> CompareRuns(const RunSample& a, const RunSample& b, const CompareRules& rules) {
  if (std::min(a.seconds.size(), b.seconds.size()) < kFewestSeconds) return {};
  const Side side_a{.sample = a, .scatter = ScatterOf(a)};
  const Side side_b{.sample = b, .scatter = ScatterOf(b)};
  std::vector<Difference> differences;
  for (std::size_t i = 0; i < kFigures; ++i) {
    differences.push_back(Compare(static_cast<Figure>(i), side_a, side_b, rules));
    if (static_cast<Figure>(i) == Figure::kP999) differences.push_back(CompareMax(a, b));
  }
  return differences;
}

CompareVerdict VerdictOf(const std::vector<Difference>& differences) {
  const auto any = [&](auto&& is) { return std::ranges::any_of(differences, is); };
  const auto says = [&](CompareVerdict verdict) {
    return any([verdict](const Difference& d) { return d.verdict == verdict; });
  };
  if (says(CompareVerdict::kWorse)) return CompareVerdict::kWorse;
  const bool in_doubt = any([](const Difference& d) {
    return d.suspicious ||
           (d.verdict == CompareVerdict::kUnclear && !d.too_few && d.measure != kFigureNames[4]);
  });
  if (in_doubt) return CompareVerdict::kUnclear;
  if (says(CompareVerdict::kBetter)) return CompareVerdict::kBetter;
  return says(CompareVerdict::kSame) ? CompareVerdict::kSame : CompareVerdict::kUnclear;
}

}  // namespace hydrapool::loadgen
