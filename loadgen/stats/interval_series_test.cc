#include "loadgen/stats/interval_series.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

Interval One(std::int64_t micros) {
  LatencyHistogram histogram;
  histogram.Record(micros);
  Interval interval{.sent = 1, .response = PackedHistogram(histogram)};
  interval.outcomes[0] = 1;
  return interval;
}

std::uint64_t Sent(const IntervalSeries& series) {
  std::uint64_t sent = 0;
  for (const auto& [begin, interval] : series.intervals()) sent += interval.sent;
  return sent;
}

TEST(IntervalSeriesTest, WhatFallsIntoOneSecondIsOneInterval) {
  IntervalSeries series;
  series.Add(kSecond + 1, One(10));
  series.Add(2 * kSecond - 1, One(20));
  ASSERT_EQ(series.intervals().size(), 1u);
  EXPECT_EQ(series.intervals().at(kSecond).ok(), 2u);
  EXPECT_EQ(series.intervals().at(kSecond).response.Unpack().max(), 20);
}

TEST(IntervalSeriesTest, NeighboursBecomeOneWhenItIsFull) {
  IntervalSeries series;
  for (std::size_t i = 0; i < 3 * IntervalSeries::kMost; ++i)
    series.Add(static_cast<sys::Nanos>(i) * kSecond, One(1));
  EXPECT_EQ(series.width(), 4 * kSecond);
  EXPECT_EQ(series.intervals().size(), 3 * IntervalSeries::kMost / 4);
  EXPECT_EQ(Sent(series), 3 * IntervalSeries::kMost);
}

TEST(IntervalSeriesTest, MergingIsAddingBothAtTheCoarserWidth) {
  IntervalSeries fine;
  fine.Add(kSecond, One(5));
  IntervalSeries coarse(2 * kSecond);
  coarse.Add(4 * kSecond, One(7));
  fine.Merge(coarse);
  EXPECT_EQ(fine.width(), 2 * kSecond);
  EXPECT_EQ(fine.intervals().at(0), One(5));
  EXPECT_EQ(fine.intervals().at(4 * kSecond), One(7));
}

TEST(IntervalSeriesTest, ALaterStartShiftsWhatIsMerged) {
  IntervalSeries series;
  IntervalSeries later;
  later.Add(0, One(5));
  series.Merge(later, 3 * kSecond);
  EXPECT_EQ(series.intervals().begin()->first, 3 * kSecond);
}

TEST(IntervalSeriesTest, TakenIsGone) {
  IntervalSeries series;
  series.Add(0, One(5));
  EXPECT_EQ(Sent(series.Take()), 1u);
  EXPECT_TRUE(series.empty());
}

class CutTest : public ::testing::Test {
 protected:
  /// A request that is answered at `end`, as a recorder would note it.
  void Answer(sys::Nanos end) {
    if (cutter_.Due(end)) cutter_.Cut(tally_, end, series_);
    const Attempt attempt{.due = end - kMillisecond, .sent = end - kMillisecond};
    tally_.Sent(attempt, true);
    tally_.Finished(attempt, {.outcome = Outcome::kOk, .end = end, .status = 200});
  }

  static constexpr sys::Nanos kStart = 100 * kSecond;
  Tally tally_;
  IntervalCutter cutter_{kStart};
  IntervalSeries series_;
};

TEST_F(CutTest, EachRequestIsInTheSecondInWhichItEnded) {
  for (const auto at : {10, 999, 1000, 1001, 5200}) Answer(kStart + at * kMillisecond);
  cutter_.Cut(tally_, kStart + 5200 * kMillisecond, series_);
  ASSERT_EQ(series_.intervals().size(), 3u);
  EXPECT_EQ(series_.intervals().at(0).ok(), 2u);
  EXPECT_EQ(series_.intervals().at(kSecond).ok(), 2u);
  EXPECT_EQ(series_.intervals().at(5 * kSecond).ok(), 1u);
}

TEST_F(CutTest, TheIntervalsAddUpToTheTally) {
  for (int i = 0; i < 5000; ++i) Answer(kStart + i * 7 * kMillisecond + i * i);
  cutter_.Cut(tally_, kStart + 3600 * kSecond, series_);
  LatencyHistogram sum;
  for (const auto& [begin, interval] : series_.intervals()) interval.response.AddTo(sum);
  EXPECT_EQ(sum, tally_.latency.response);
}

}  // namespace
}  // namespace hydrapool::loadgen
