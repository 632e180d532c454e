#include "loadgen/plan/rate_curve.h"

#include <gtest/gtest.h>

#include <array>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

constexpr sys::Nanos kStart = 1'000 * kSecond;

TEST(RateCurveTest, DueTimesComeFromTheIndexAndDoNotDrift) {
  const auto pace = RateCurve::Constant(kStart, 3);
  EXPECT_EQ(pace.Due(0), kStart);
  EXPECT_EQ(pace.Due(1), kStart + 333'333'333);
  EXPECT_EQ(pace.Due(3), kStart + kSecond);
  EXPECT_EQ(pace.Due(3e9), kStart + 1'000'000'000 * kSecond);
}

TEST(RateCurveTest, DueBeforeIsTheInverseOfDue) {
  for (const double rate : {0.1, 1.0, 3.0, 7.77, 500.0, 123456.7, 2e6}) {
    const auto pace = RateCurve::Constant(kStart, rate);
    for (std::uint64_t k = 1; k < 1'000'000; k = k * 3 + 1) {
      const auto due = pace.Due(static_cast<double>(k));
      EXPECT_EQ(pace.DueBefore(due), k) << rate;
      EXPECT_EQ(pace.DueBefore(due + 1), k + 1) << rate;
    }
    EXPECT_EQ(pace.DueBefore(kStart), 0u);
  }
}

TEST(RateCurveTest, ARampIsDueByTheIntegralOfItsRate) {
  const std::array stages{Stage{.rate = 100, .duration = 10 * kSecond}};
  const auto ramp = RateCurve::Staged(kStart, stages);
  EXPECT_EQ(ramp.Total(), 500);
  EXPECT_EQ(ramp.Due(0), kStart);
  EXPECT_EQ(ramp.Due(5), kStart + kSecond);
  EXPECT_EQ(ramp.Due(125), kStart + 5 * kSecond);
  EXPECT_EQ(ramp.Due(500), RateCurve::kNever);
  EXPECT_EQ(ramp.DueBefore(kStart + 5 * kSecond), 125u);
  EXPECT_EQ(ramp.DueBefore(kStart + 60 * kSecond), 500u);
}

TEST(RateCurveTest, UpHoldIdleJumpAndDown) {
  const std::array stages{
      Stage{100, 10 * kSecond}, Stage{100, 5 * kSecond}, Stage{0, 0}, Stage{0, kSecond}, Stage{50, 0},
      Stage{0, 4 * kSecond}};
  const auto curve = RateCurve::Staged(kStart, stages);
  EXPECT_EQ(curve.Total(), 500 + 500 + 100);
  EXPECT_EQ(curve.Due(999), kStart + 15 * kSecond - 10 * kMillisecond);
  EXPECT_EQ(curve.Due(1000), kStart + 16 * kSecond) << "nothing is due while the rate is 0";
  EXPECT_EQ(curve.Due(1075), kStart + 18 * kSecond);
  EXPECT_EQ(curve.DueBefore(kStart + 16 * kSecond), 1000u);
  sys::Nanos last = 0;
  for (int k = 0; k < 1100; ++k) {
    ASSERT_GT(curve.Due(k), last);
    last = curve.Due(k);
    ASSERT_EQ(curve.DueBefore(last), static_cast<std::uint64_t>(k));
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
