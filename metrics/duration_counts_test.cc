#include "metrics/duration_counts.h"

#include <gtest/gtest.h>

#include <memory>

namespace hydrapool::metrics {
namespace {

using sys::kMicrosecond;
using sys::kMillisecond;
using sys::kSecond;

TEST(DurationCountsTest, AddsUpHistograms) {
  hydrapool::DurationHistogram a;
  hydrapool::DurationHistogram b;
  a.Observe(7 * kMicrosecond);
  b.Observe(7 * kMicrosecond);
  b.Observe(20 * kSecond);
  DurationCounts counts;
  counts.Add(a);
  counts.Add(b);
  EXPECT_EQ(counts.count(0), 2u);
  EXPECT_EQ(counts.count(DurationCounts::kBuckets - 1), 1u);
  EXPECT_EQ(counts.total(), 3u);
  EXPECT_DOUBLE_EQ(counts.sum_seconds(), 20.000014);
}

TEST(DurationCountsTest, NoQuantileOfNothing) { EXPECT_EQ(DurationCounts().Quantile(0.5), std::nullopt); }

TEST(DurationCountsTest, InterpolatesWithinABucket) {
  hydrapool::DurationHistogram histogram;
  for (int i = 0; i < 4; ++i) histogram.Observe(2 * kMillisecond);  // within (1 ms, 2.5 ms]
  DurationCounts counts;
  counts.Add(histogram);
  EXPECT_DOUBLE_EQ(*counts.Quantile(0), 0.001);
  EXPECT_DOUBLE_EQ(*counts.Quantile(0.5), 0.00175);
  EXPECT_DOUBLE_EQ(*counts.Quantile(1), 0.0025);
}

TEST(DurationCountsTest, QuantilesNeverFallAsTheShareGrows) {
  hydrapool::DurationHistogram histogram;
  for (sys::Nanos d = 1; d < 100 * kSecond; d = d * 3 / 2 + 1) histogram.Observe(d);
  DurationCounts counts;
  counts.Add(histogram);
  double before = 0;
  for (int percent = 0; percent <= 100; ++percent) {
    const double here = *counts.Quantile(percent / 100.0);
    EXPECT_GE(here, before) << percent;
    before = here;
  }
  EXPECT_DOUBLE_EQ(before, 10.0) << "what exceeds every bound is reported as the last one";
}

}  // namespace
}  // namespace hydrapool::metrics
