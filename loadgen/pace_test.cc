#include "loadgen/pace.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace loadgen {
namespace {

using sys::kSecond;

constexpr sys::Nanos kStart = 1'000 * kSecond;

TEST(ConstantRateTest, DueTimesComeFromTheIndexAndDoNotDrift) {
  const ConstantRate pace{.start = kStart, .rate = 3};
  EXPECT_EQ(pace.Due(0), kStart);
  EXPECT_EQ(pace.Due(1), kStart + 333'333'333);
  EXPECT_EQ(pace.Due(3), kStart + kSecond);
  EXPECT_EQ(pace.Due(3'000'000'000), kStart + 1'000'000'000 * kSecond);
}

TEST(ConstantRateTest, DueBeforeIsTheInverseOfDue) {
  for (const double rate : {0.1, 1.0, 3.0, 7.77, 500.0, 123456.7, 2e6}) {
    const ConstantRate pace{.start = kStart, .rate = rate};
    for (std::uint64_t k = 1; k < 1'000'000; k = k * 3 + 1) {
      EXPECT_EQ(pace.DueBefore(pace.Due(k)), k) << rate;
      EXPECT_EQ(pace.DueBefore(pace.Due(k) + 1), k + 1) << rate;
    }
    EXPECT_EQ(pace.DueBefore(kStart), 0u);
  }
}

TEST(PaceTest, PoissonArrivalsComeFromTheSeed) {
  auto a = Pace::Poisson(kStart, 500, 7);
  auto b = Pace::Poisson(kStart, 500, 7);
  auto c = Pace::Poisson(kStart, 500, 8);
  EXPECT_GT(a.due(), kStart);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(a.due(), b.due());
    const auto before = a.due();
    a.Advance();
    b.Advance();
    c.Advance();
    ASSERT_GE(a.due(), before);
  }
  EXPECT_NE(a.due(), c.due());
}

TEST(PaceTest, PoissonGapsAreExponential) {
  constexpr int kN = 200'000;
  auto pace = Pace::Poisson(0, 1000, 1);
  double sum = 0;
  double squares = 0;
  int long_gaps = 0;
  for (int i = 0; i < kN; ++i) {
    const auto before = pace.due();
    pace.Advance();
    const double gap = sys::ToSeconds(pace.due() - before) * 1000;
    sum += gap;
    squares += gap * gap;
    if (gap > 3) ++long_gaps;
  }
  EXPECT_NEAR(sum / kN, 1, 0.01);
  EXPECT_NEAR(squares / kN, 2, 0.05);
  EXPECT_NEAR(static_cast<double>(long_gaps) / kN, std::exp(-3), 0.002);
}

TEST(PaceTest, CountBeforeIsWhatGoingThroughItGives) {
  for (auto pace : {Pace::Poisson(kStart, 321, 3), Pace::Constant({.start = kStart, .rate = 321}, 1, 3)}) {
    const auto counted = pace.CountBefore(kStart + kSecond);
    std::uint64_t n = 0;
    for (; pace.due() < kStart + kSecond; pace.Advance()) ++n;
    EXPECT_EQ(counted, n);
    EXPECT_EQ(pace.CountBefore(kStart + kSecond), 0u);
  }
}

TEST(MixTest, NeighboursDiffer) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t a = 0; a < 30; ++a) {
    for (std::uint64_t b = 0; b < 30; ++b) seen.insert(Mix(a, b));
  }
  EXPECT_EQ(seen.size(), 900u);
}

}  // namespace
}  // namespace loadgen
