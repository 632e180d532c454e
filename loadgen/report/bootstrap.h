#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "loadgen/engine/load_run.h"

/// How far a run's figures may be off by chance, from the run itself.
///
/// The method is the circular block bootstrap (Politis and Romano, "A circular block-resampling procedure for
/// stationary data", 1992; blocks of √n seconds, at least four of them): the run is made again from blocks of
/// its own consecutive seconds, drawn with replacement, many times; how the figures of these runs scatter is
/// how far the run's own may be off. Blocks keep what makes neighbouring seconds alike. A single stall is in
/// some of these runs and not in others, so a percentile that one stall made scatters as widely as the stall
/// is long.
///
/// Not seen: what differs from run to run and not within one (memory layout, where threads happen to run, the
/// time of day).
namespace hydrapool::loadgen {

/// The figures of a run. Latencies are response latencies of ok answers, in µs.
enum class Figure { kRate, kP50, kP90, kP99, kP999, kErrors };
inline constexpr std::size_t kFigures = 6;
inline constexpr std::array<std::string_view, kFigures> kFigureNames = {"rate", "p50",   "p90",
                                                                        "p99",  "p99.9", "errors"};
using Figures = std::array<double, kFigures>;

/// The percentile of a latency's figure; 0 for the others.
constexpr double PercentileOf(Figure figure) {
  constexpr std::array<double, kFigures> kPercentiles = {0, 50, 90, 99, 99.9, 0};
  return kPercentiles[static_cast<std::size_t>(figure)];
}

/// What ended in one second of a run.
struct SampleSecond {
  double length_s = 1;
  double completed = 0;
  /// With those that were in flight at the end or never sent: they are in the seconds in which the fewest
  /// ended, up to the average.
  double ended = 0;
  double errors = 0;                   ///< Of these.
  std::vector<double> latencies = {};  ///< How many ok answers by bucket.

  /// The bucket of a latency: one for each microsecond below 64, then 64 for each doubling.
  static std::size_t BucketOf(std::int64_t micros);
  /// Where a bucket begins.
  static double Lowest(std::size_t bucket);
  void Add(std::int64_t micros, std::uint64_t n = 1);
};

/// A run as its seconds. Those in which load was sent; what ended later is in the last one.
struct RunSample {
  std::vector<SampleSecond> seconds = {};
  Figures own = {};           ///< The run's own.
  double max = 0;             ///< The slowest ok answer, µs.
  std::uint64_t answers = 0;  ///< ok
};
[[nodiscard]] RunSample SampleOf(const RunResult& run);
/// Of a run that is going on: its first `sending`. Its own percentiles are then within 2 %, since they are
/// those of the buckets.
[[nodiscard]] RunSample SampleOf(const IntervalSeries& series, sys::Nanos sending);

/// The figures of the seconds together. Pure.
[[nodiscard]] Figures FiguresOf(const std::vector<SampleSecond>& seconds);

/// How the figures scatter: the standard error of each, of its logarithm where it is not a share.
struct Scatter {
  Figures error = {};
  double degrees = 0;  ///< of freedom: blocks less one
};
/// `runs` times; the same seconds give the same answer. Nothing for fewer than two seconds. Pure.
[[nodiscard]] Scatter ScatterOf(const RunSample& sample, int runs = 400);

/// Whether there are enough answers to speak of a percentile: ten beyond it. (For people: PercentileText in
/// text_chart.h.)
[[nodiscard]] constexpr bool EnoughFor(double percentile, std::uint64_t answers) {
  return static_cast<double>(answers) * (100 - percentile) >= 999.999;
}

/// The t for which a variable of Student's distribution is within ±t with probability 1 - `alpha`; for 3
/// degrees of freedom or more within 1 %. (Abramowitz and Stegun, 26.7.5; 26.2.23 for the normal quantile.)
[[nodiscard]] double StudentT(double alpha, double degrees);

/// The interval in which a latency's percentile lies with probability 1 - `alpha`; {0, 0} where the run is
/// too short to say.
struct Range {
  double low = 0;
  double high = 0;
};
[[nodiscard]] Range IntervalOf(const RunSample& sample, const Scatter& scatter, Figure figure, double alpha);

/// So many seconds a run needs at least.
inline constexpr std::size_t kFewestSeconds = 4;

}  // namespace hydrapool::loadgen
