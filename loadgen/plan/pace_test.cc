#include "loadgen/plan/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace hydrapool::loadgen {
namespace {

using sys::kSecond;

constexpr sys::Nanos kStart = 1'000 * kSecond;

TEST(PaceTest, PoissonArrivalsComeFromTheSeed) {
  auto a = Pace::Poisson(RateCurve::Constant(kStart, 500), 1, 7);
  auto b = Pace::Poisson(RateCurve::Constant(kStart, 500), 1, 7);
  auto c = Pace::Poisson(RateCurve::Constant(kStart, 500), 1, 8);
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
  auto pace = Pace::Poisson(RateCurve::Constant(0, 3000), 3, 1);
  double sum = 0;
  double squares = 0;
  std::vector<double> gaps;
  for (int i = 0; i < kN; ++i) {
    const auto before = pace.due();
    pace.Advance();
    const double gap = sys::ToSeconds(pace.due() - before) * 1000;
    sum += gap;
    squares += gap * gap;
    gaps.push_back(gap);
  }
  EXPECT_NEAR(sum / kN, 1, 0.01);
  EXPECT_NEAR(squares / kN, 2, 0.05);
  // Kolmogorov and Smirnov: the distance is larger in one of a thousand true Poisson processes.
  std::ranges::sort(gaps);
  double distance = 0;
  for (int i = 0; i < kN; ++i) {
    const double share = 1 - std::exp(-gaps[static_cast<std::size_t>(i)]);
    distance = std::max({distance, share - i / double{kN}, (i + 1) / double{kN} - share});
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(kN));
}

TEST(PaceTest, CountBeforeIsWhatGoingThroughItGives) {
  for (auto pace : {Pace::Poisson(RateCurve::Constant(kStart, 321), 1, 3),
                    Pace::Constant(RateCurve::Constant(kStart, 321), 1, 3)}) {
    const auto counted = pace.CountBefore(kStart + kSecond);
    std::uint64_t n = 0;
    for (; pace.due() < kStart + kSecond; pace.Advance()) ++n;
    EXPECT_EQ(counted, n);
    EXPECT_EQ(pace.CountBefore(kStart + kSecond), 0u);
  }
}

TEST(PaceTest, PoissonArrivalsFollowTheStages) {
  const std::array stages{Stage{.rate = 20'000, .duration = 10 * kSecond}};
  auto pace = Pace::Poisson(RateCurve::Staged(kStart, stages), 2, 5);
  EXPECT_NEAR(static_cast<double>(pace.CountBefore(kStart + 5 * kSecond)), 12'500, 5 * std::sqrt(12'500));
  EXPECT_NEAR(static_cast<double>(pace.CountBefore(kStart + 99 * kSecond)), 50'000, 5 * std::sqrt(50'000));
}

TEST(MixTest, NeighboursDiffer) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t a = 0; a < 30; ++a) {
    for (std::uint64_t b = 0; b < 30; ++b) seen.insert(Mix(a, b));
  }
  EXPECT_EQ(seen.size(), 900u);
}

}  // namespace
}  // namespace hydrapool::loadgen
