#include "loadgen/report/text_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>
#include <vector>

#include "loadgen/plan/figures.h"
#include "loadgen/report/bootstrap.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::array<std::string_view, 9> kHeights = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 8> kWidths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
constexpr std::size_t kEighths = 8;

/// 1, 2, 5, 10, … each `every`-th of it, so that few steps cover many magnitudes.
std::vector<std::int64_t> Steps(std::int64_t lowest, std::int64_t highest, std::size_t lines) {
  std::vector<std::int64_t> all;
  for (std::int64_t power = 1; power <= LatencyHistogram::kHighest * 10; power *= 10) {
    for (const std::int64_t digit : {10, 12, 15, 20, 25, 30, 40, 50, 60, 80}) {
      const auto step = digit * power / 10;
      if (digit * power % 10 != 0 || step < lowest) continue;
      all.push_back(step);
      if (step >= highest) break;
    }
    if (!all.empty() && all.back() >= highest) break;
  }
  const std::size_t every = std::max<std::size_t>((all.size() + lines - 1) / lines, 1);
  std::vector<std::int64_t> steps;
  for (std::size_t i = (all.size() - 1) % every; i < all.size(); i += every) steps.push_back(all[i]);
  return steps;
}

}  // namespace

std::string Sparkline(std::span<const double> values) {
  const double most = values.empty() ? 0 : *std::ranges::max_element(values);
  std::string text;
  for (const double value : values) {
    const auto height = value > 0 ? std::clamp(std::ceil(8 * value / most), 1.0, 8.0) : 0.0;
    text += kHeights[static_cast<std::size_t>(height)];
  }
  return text;
}

std::string Bar(double share, std::size_t width) {
  const auto eighths = static_cast<std::size_t>(
      std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(width * kEighths)));
  std::string bar;
  for (std::size_t i = 0; i < eighths / kEighths; ++i) bar += "█";
  return bar.append(kWidths[eighths % kEighths]);
}

std::string PercentileText(const LatencyHistogram& histogram, double percentile) {
  if (!EnoughFor(percentile, histogram.count())) return "-";
  return FormatMicros(static_cast<double>(histogram.ValueAtPercentile(percentile)));
}

std::string DrawHistogram(const LatencyHistogram& histogram, std::size_t lines, std::size_t width) {
  if (histogram.count() == 0) return {};
  const auto steps = Steps(std::max<std::int64_t>(histogram.ValueAtPercentile(0), 1), histogram.max(), lines);
  std::vector<std::uint64_t> counts(steps.size());
  std::size_t step = 0;
  for (std::size_t i = 0, end = histogram.end_index(); i < end; ++i) {
    while (step + 1 < steps.size() && LatencyHistogram::LowestAt(i) > steps[step]) ++step;
    counts[step] += histogram.CountAt(i);
  }
  const auto most = static_cast<double>(*std::ranges::max_element(counts));
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    fmt::format_to(std::back_inserter(text), "≤{:>9}  {:<{}} {:>10}\n",
                   FormatMicros(static_cast<double>(steps[i])),
                   Bar(static_cast<double>(counts[i]) / most, width), width, counts[i]);
  }
  return text;
}

}  // namespace hydrapool::loadgen
