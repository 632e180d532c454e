#include "loadgen/report/bootstrap.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <random>
#include <span>
#include <utility>

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kSub = 64;
constexpr int kSubBits = 6;
constexpr double kLowestRate = 1e-3;
constexpr std::size_t kFewestBlocks = 4;

std::size_t Index(Figure figure) { return static_cast<std::size_t>(figure); }

/// All that is added up of seconds: the four numbers, then the latencies.
constexpr std::size_t kNumbers = 4;

std::vector<double> Row(const SampleSecond& second, std::size_t width) {
  std::vector<double> row = {second.length_s, second.completed, second.ended, second.errors};
  row.insert(row.end(), second.latencies.begin(), second.latencies.end());
  row.resize(kNumbers + width);
  return row;
}

std::size_t WidthOf(const std::vector<SampleSecond>& seconds) {
  std::size_t width = 0;
  for (const auto& second : seconds) width = std::max(width, second.latencies.size());
  return width;
}

Figures FiguresOfSum(std::span<const double> sum) {
  Figures figures = {};
  figures[Index(Figure::kRate)] = sum[0] > 0 ? sum[1] / sum[0] : 0;
  figures[Index(Figure::kErrors)] = sum[2] > 0 ? sum[3] / sum[2] : 0;
  const auto latencies = sum.subspan(kNumbers);
  double all = 0;
  for (const double n : latencies) all += n;
  double seen = 0;
  std::size_t bucket = 0;
  for (const auto figure : {Figure::kP50, Figure::kP90, Figure::kP99, Figure::kP999}) {
    const double rank = all * PercentileOf(figure) / 100;
    while (bucket < latencies.size() && seen + latencies[bucket] < rank) seen += latencies[bucket++];
    if (all <= 0 || bucket >= latencies.size()) continue;
    const double low = SampleSecond::Lowest(bucket);
    const double inside = latencies[bucket] > 0 ? (rank - seen) / latencies[bucket] : 0;
    figures[Index(figure)] = low + inside * (SampleSecond::Lowest(bucket + 1) - low);
  }
  return figures;
}

/// What scatters: of rates and latencies the logarithm, so that it is relative.
double Scale(Figure figure, double value) {
  if (figure == Figure::kErrors) return value;
  return std::log(std::max(value, figure == Figure::kRate ? kLowestRate : 1.0));
}

/// Sums of consecutive seconds, in a circle.
class Blocks {
 public:
  Blocks(const std::vector<SampleSecond>& seconds, std::size_t length)
      : n_(seconds.size()), width_(kNumbers + WidthOf(seconds)), before_(1, std::vector<double>(width_)) {
    for (std::size_t i = 0; i < n_ + length; ++i) {
      auto row = Row(seconds[i % n_], width_ - kNumbers);
      for (std::size_t k = 0; k < width_; ++k) row[k] += before_.back()[k];
      before_.push_back(std::move(row));
    }
  }

  void AddTo(std::vector<double>& sum, std::size_t first, std::size_t length) const {
    const double* const from = before_[first].data();
    const double* const to = before_[first + length].data();
    double* const out = sum.data();
    for (std::size_t k = 0; k < width_; ++k) out[k] += to[k] - from[k];
  }
  [[nodiscard]] std::size_t width() const { return width_; }

 private:
  std::size_t n_;
  std::size_t width_;
  std::vector<std::vector<double>> before_;
};

/// z for which a normal variable is within ±z with probability 1 - alpha.
double NormalZ(double alpha) {
  const double t = std::sqrt(-2 * std::log(alpha / 2));
  return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) /
                 (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
}

}  // namespace

std::size_t SampleSecond::BucketOf(std::int64_t micros) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0));
  if (value < kSub) return static_cast<std::size_t>(value);
  const int shift = static_cast<int>(std::bit_width(value)) - (kSubBits + 1);
  return static_cast<std::size_t>(shift) * kSub + static_cast<std::size_t>(value >> shift);
}

double SampleSecond::Lowest(std::size_t bucket) {
  if (bucket < kSub) return static_cast<double>(bucket);
  const auto shift = bucket / kSub - 1;
  return std::ldexp(static_cast<double>(bucket - shift * kSub), static_cast<int>(shift));
}

void SampleSecond::Add(std::int64_t micros, std::uint64_t n) {
  const auto bucket = BucketOf(micros);
  if (bucket >= latencies.size()) latencies.resize(bucket + 1);
  latencies[bucket] += static_cast<double>(n);
}

RunSample SampleOf(const IntervalSeries& series, sys::Nanos sending) {
  RunSample sample;
  const auto width = series.width();
  const auto whole = static_cast<std::size_t>((sending + width / 2) / width);
  if (whole == 0) return sample;
  sample.seconds.resize(whole, {.length_s = sys::ToSeconds(width)});
  auto& last = sample.seconds.back();
  last.length_s += sys::ToSeconds(sending) - static_cast<double>(whole) * sys::ToSeconds(width);
  for (const auto& [begin, interval] : series.intervals()) {
    auto& second = sample.seconds[std::min(static_cast<std::size_t>(begin / width), whole - 1)];
    second.completed += static_cast<double>(interval.completed());
    second.ended += static_cast<double>(interval.ended());
    second.errors += static_cast<double>(interval.ended() - interval.ok());
    const auto ok = interval.response.Unpack().Since(interval.not_ok_response.Unpack());
    for (std::size_t i = 0, end = ok.end_index(); i < end; ++i) {
      if (ok.CountAt(i) > 0) second.Add(LatencyHistogram::LowestAt(i), ok.CountAt(i));
    }
    sample.max = std::max(sample.max, static_cast<double>(ok.max()));
    sample.answers += ok.count();
  }
  sample.own = FiguresOf(sample.seconds);
  return sample;
}

namespace {

/// Requests that never ended were due while others did not end either: the second that lacks most of the
/// average gets them first, up to the average.
void AddOpen(double open, std::vector<SampleSecond>& seconds) {
  double ended = open;
  double length = 0;
  for (const auto& second : seconds) {
    ended += second.ended;
    length += second.length_s;
  }
  std::vector<std::pair<double, std::size_t>> lacks;
  for (std::size_t i = 0; i < seconds.size(); ++i)
    lacks.emplace_back(ended * seconds[i].length_s / std::max(length, kLowestRate) - seconds[i].ended, i);
  std::ranges::sort(lacks, std::greater<>());
  for (const auto& [lack, i] : lacks) {
    const double part = std::clamp(lack, 0.0, open);
    seconds[i].ended += part;
    seconds[i].errors += part;
    open -= part;
  }
}

}  // namespace

RunSample SampleOf(const RunResult& run) {
  auto sample = SampleOf(run.series, run.sending);
  if (sample.seconds.empty()) return sample;
  AddOpen(static_cast<double>(run.tally.in_flight_at_end + run.unsent()), sample.seconds);
  const auto ok = run.tally.parts.OkOf(run.tally.latency.response);
  sample.own = FiguresOf(sample.seconds);
  sample.own[Index(Figure::kRate)] = run.throughput();
  for (const auto figure : {Figure::kP50, Figure::kP90, Figure::kP99, Figure::kP999})
    sample.own[Index(figure)] = static_cast<double>(ok.ValueAtPercentile(PercentileOf(figure)));
  sample.max = static_cast<double>(ok.max());
  sample.answers = ok.count();
  return sample;
}

Figures FiguresOf(const std::vector<SampleSecond>& seconds) {
  std::vector<double> sum(kNumbers + WidthOf(seconds));
  for (const auto& second : seconds) {
    const auto row = Row(second, sum.size() - kNumbers);
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += row[k];
  }
  return FiguresOfSum(sum);
}

Scatter ScatterOf(const RunSample& sample, int runs) {
  const auto n = sample.seconds.size();
  if (n < 2) return {};
  const auto root = static_cast<std::size_t>(std::sqrt(static_cast<double>(n)));
  const auto length = std::max<std::size_t>(1, std::min(root, n / kFewestBlocks));
  const Blocks blocks(sample.seconds, length);
  std::mt19937_64 random(1);
  Figures mean = {};
  Figures squares = {};
  std::vector<double> sum(blocks.width());
  for (int run = 1; run <= runs; ++run) {
    std::ranges::fill(sum, 0);
    for (std::size_t have = 0; have < n; have += length)
      blocks.AddTo(sum, static_cast<std::size_t>(random() % n), std::min(length, n - have));
    const auto figures = FiguresOfSum(sum);
    for (std::size_t i = 0; i < kFigures; ++i) {
      const double value = Scale(static_cast<Figure>(i), figures[i]);
      const double before = value - mean[i];
      mean[i] += before / run;
      squares[i] += before * (value - mean[i]);
    }
  }
  const double count = static_cast<double>(n) / static_cast<double>(length);
  Scatter scatter{.error = {}, .degrees = std::max(count - 1, 1.0)};
  for (std::size_t i = 0; i < kFigures; ++i)
    scatter.error[i] = std::sqrt(squares[i] / (runs - 1) * count / std::max(count - 1, 1.0));
  return scatter;
}

double StudentT(double alpha, double degrees) {
  const double z = NormalZ(alpha);
  const double z2 = z * z;
  const double d = degrees;
  return z * (1 + (z2 + 1) / (4 * d) + ((5 * z2 + 16) * z2 + 3) / (96 * d * d) +
              (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * d * d * d) +
              ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / (92160 * d * d * d * d));
}

Range IntervalOf(const RunSample& sample, const Scatter& scatter, Figure figure, double alpha) {
  if (sample.seconds.size() < kFewestSeconds || !EnoughFor(PercentileOf(figure), sample.answers)) return {};
  const double own = sample.own[Index(figure)];
  const double reach = std::exp(StudentT(alpha, scatter.degrees) * scatter.error[Index(figure)]);
  return {.low = own / reach, .high = std::min(own * reach, std::max(sample.max, own))};
}

}  // namespace hydrapool::loadgen
