#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "loadgen/report/hdr_log.h"

namespace hydrapool::loadgen {
namespace {

constexpr double kTicksPerHalfDistance = 5;

double Millis(std::int64_t micros) { return static_cast<double>(micros) / 1e3; }

/// Rounded as Java does, which the original is written in: ties go up.
double Share(double percent) { return std::nextafter(percent / 100, 2.0); }

double NextLevel(double percent) {
  const double halvings = std::floor(std::log2(100 / (100 - percent))) + 1;
  return percent + 100 / (kTicksPerHalfDistance * std::pow(2.0, halvings));
}

}  // namespace

double Deviation(const LatencyHistogram& histogram) {
  double squares = 0;
  for (std::size_t i = 0, end = histogram.end_index(); i < end; ++i) {
    const auto middle =
        static_cast<double>(LatencyHistogram::LowestAt(i) + LatencyHistogram::HighestAt(i) + 1) / 2;
    squares += static_cast<double>(histogram.CountAt(i)) * std::pow(middle - histogram.mean(), 2);
  }
  return histogram.count() == 0 ? 0 : std::sqrt(squares / static_cast<double>(histogram.count()));
}

std::string HgrmText(const LatencyHistogram& histogram) {
  std::string text =
      fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  const auto out = std::back_inserter(text);
  double level = 0;
  std::uint64_t seen = 0;
  const auto row = [&](std::size_t index) {
    fmt::format_to(out, "{:12.3f} {:2.12f} {:10} {:14.2f}\n", Millis(LatencyHistogram::HighestAt(index)),
                   Share(level), seen, 1 / (1 - level / 100));
  };
  const auto end = histogram.end_index();
  for (std::size_t i = 0; i < end; ++i) {
    const auto n = histogram.CountAt(i);
    seen += n;
    const double percent = 100.0 * static_cast<double>(seen) / static_cast<double>(histogram.count());
    for (; n > 0 && seen < histogram.count() && percent >= level; level = NextLevel(level)) row(i);
  }
  if (end > 0) {
    row(end - 1);
    fmt::format_to(out, "{:12.3f} {:2.12f} {:10}\n", Millis(LatencyHistogram::HighestAt(end - 1)), 1.0, seen);
  }
  fmt::format_to(out, "#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", histogram.mean() / 1e3,
                 Deviation(histogram) / 1e3);
  fmt::format_to(out, "#[Max     = {:12.3f}, Total count    = {:12}]\n", Millis(histogram.max()),
                 histogram.count());
  fmt::format_to(out, "#[Buckets = {:12}, SubBuckets     = {:12}]\n", LatencyHistogram::kBuckets,
                 2 << LatencyHistogram::kHalfBits);
  return text;
}

}  // namespace hydrapool::loadgen
