#include "loadgen/stats/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace hydrapool::loadgen {
namespace {

std::vector<std::int64_t> RandomLatencies(unsigned seed, std::size_t n) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latency(6, 2.5);
  std::vector<std::int64_t> values(n);
  for (auto& v : values) v = static_cast<std::int64_t>(latency(random));
  return values;
}

LatencyHistogram Recorded(const std::vector<std::int64_t>& values) {
  LatencyHistogram h;
  for (const auto v : values) h.Record(v);
  return h;
}

TEST(LatencyHistogramTest, EmptyIsZeroEverywhere) {
  const LatencyHistogram h;
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.max(), 0);
  EXPECT_EQ(h.mean(), 0);
  EXPECT_EQ(h.ValueAtPercentile(99), 0);
}

TEST(LatencyHistogramTest, SmallValuesAreExact) {
  LatencyHistogram h;
  for (std::int64_t v = 1; v <= 1000; ++v) h.Record(v);
  EXPECT_EQ(h.ValueAtPercentile(0), 1);
  EXPECT_EQ(h.ValueAtPercentile(50), 500);
  EXPECT_EQ(h.ValueAtPercentile(99.9), 999);
  EXPECT_EQ(h.ValueAtPercentile(100), 1000);
  EXPECT_EQ(h.mean(), 500.5);
}

TEST(LatencyHistogramTest, EveryValueIsKeptToThreeDigits) {
  for (double exact = 1; exact < 3.6e9; exact *= 1.007) {
    const auto value = static_cast<std::int64_t>(exact);
    LatencyHistogram h;
    h.Record(value);
    h.Record(LatencyHistogram::kHighest);
    const auto reported = h.ValueAtPercentile(50);
    EXPECT_GE(reported, value);
    EXPECT_LE(static_cast<double>(reported), static_cast<double>(value) * 1.001) << value;
  }
}

TEST(LatencyHistogramTest, PercentilesAgreeWithASortedVector) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    auto values = RandomLatencies(seed, 1 + seed * 137);
    const auto h = Recorded(values);
    std::ranges::sort(values);
    for (const double p : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
      const auto rank = std::ceil(p / 100 * static_cast<double>(values.size()) - 1e-9);
      const auto truth = values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
      EXPECT_GE(h.ValueAtPercentile(p), truth) << "seed " << seed << " p" << p;
      EXPECT_LE(static_cast<double>(h.ValueAtPercentile(p)), static_cast<double>(truth) * 1.001 + 1)
          << "seed " << seed << " p" << p;
    }
    EXPECT_EQ(h.max(), values.back());
    EXPECT_EQ(h.count(), values.size());
  }
}

TEST(LatencyHistogramTest, MergingIsRecordingBoth) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const auto a = RandomLatencies(seed, 500);
    const auto b = RandomLatencies(seed + 1000, 300);
    auto both = a;
    both.insert(both.end(), b.begin(), b.end());
    auto merged = Recorded(a);
    merged.Merge(Recorded(b));
    EXPECT_EQ(merged, Recorded(both));
  }
}

TEST(LatencyHistogramTest, WhatIsLongerThanAnHourIsCountedWithItsExactMaximum) {
  LatencyHistogram h;
  h.Record(2 * LatencyHistogram::kHighest);
  EXPECT_EQ(h.count(), 1u);
  EXPECT_EQ(h.max(), 2 * LatencyHistogram::kHighest);
  EXPECT_GE(h.ValueAtPercentile(50), LatencyHistogram::kHighest);
}

TEST(LatencyHistogramTest, NegativeCountsAsZero) {
  LatencyHistogram h;
  h.Record(-5);
  EXPECT_EQ(h.count(), 1u);
  EXPECT_EQ(h.max(), 0);
  EXPECT_EQ(h.mean(), 0);
}

}  // namespace
}  // namespace hydrapool::loadgen
