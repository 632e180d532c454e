#include "loadgen/report/text_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;

TEST(SparklineTest, TheHighestIsFullAndNothingIsBlank) {
  EXPECT_EQ(Sparkline(std::array{0.0, 1.0, 50.0, 100.0}), " ▁▄█");
  EXPECT_EQ(Sparkline(std::array{0.0, 0.0}), "  ");
  EXPECT_EQ(Sparkline({}), "");
}

TEST(BarTest, ShowsEighths) {
  EXPECT_EQ(Bar(1, 3), "███");
  EXPECT_EQ(Bar(0.5, 3), "█▌");
  EXPECT_EQ(Bar(0, 3), "");
  EXPECT_EQ(Bar(7, 1), "█");
}

TEST(DrawHistogramTest, EveryValueIsInOneLine) {
  LatencyHistogram histogram;
  for (int i = 0; i < 1000; ++i) histogram.Record(90);
  for (int i = 0; i < 10; ++i) histogram.Record(4'700);
  histogram.Record(1'900'000);
  const auto text = DrawHistogram(histogram, 10, 20);
  EXPECT_THAT(text, HasSubstr("████████████████████       1000\n"));
  EXPECT_THAT(text, HasSubstr("  10\n"));
  EXPECT_THAT(text, HasSubstr("≤   2.00 s                                1\n"));
  EXPECT_LE(std::ranges::count(text, '\n'), 10);
}

TEST(DrawHistogramTest, NothingAndExtremes) {
  EXPECT_EQ(DrawHistogram({}, 10, 20), "");
  LatencyHistogram histogram;
  histogram.Record(0);
  histogram.Record(LatencyHistogram::kHighest);
  EXPECT_LE(std::ranges::count(DrawHistogram(histogram, 10, 20), '\n'), 10);
}

}  // namespace
}  // namespace hydrapool::loadgen
