#include "loadgen/agenda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

constexpr sys::Nanos kStart = 1'000 * kSecond;

Plan Open(double rate, int threads = 1) { return {.urls = {"u"}, .rate = rate, .threads = threads}; }

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

TEST(AgendaTest, ThreadsTogetherMakeTheScheduleWhole) {
  const auto plan = Open(1000, 3);
  std::vector<sys::Nanos> due;
  std::uint64_t scheduled = 0;
  for (int i = 0; i < plan.threads; ++i) {
    Agenda agenda(plan, i, kStart);
    while (const auto arrival = agenda.Take(kStart + plan.duration - 1, kStart)) due.push_back(arrival->due);
    scheduled += agenda.Scheduled();
  }
  std::ranges::sort(due);
  ASSERT_EQ(due.size(), 10'000u);
  EXPECT_EQ(scheduled, 10'000u);
  for (std::size_t k = 0; k < due.size(); ++k) {
    ASSERT_EQ(due[k], kStart + static_cast<sys::Nanos>(k) * kMillisecond);
  }
}

TEST(AgendaTest, AnOpenLoopHandsOutNothingEarlyAndLosesNothingLate) {
  Agenda agenda(Open(10), 0, kStart);
  EXPECT_TRUE(agenda.Take(kStart, 0));
  EXPECT_FALSE(agenda.Take(kStart + 99 * kMillisecond, 0));
  EXPECT_EQ(agenda.NextDue(), kStart + 100 * kMillisecond);
  const auto late = agenda.Take(kStart + kSecond, kStart + kSecond);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->due, kStart + 100 * kMillisecond);
  EXPECT_EQ(late->turn, 1u);
}

TEST(AgendaTest, WhatWasDueAndNotTakenIsScheduledAllTheSame) {
  Agenda agenda(Open(10), 0, kStart);
  EXPECT_TRUE(agenda.Take(kStart, 0));
  EXPECT_FALSE(agenda.Take(kStart + 10 * kSecond, kStart + 10 * kSecond));
  EXPECT_EQ(agenda.taken(), 1u);
  EXPECT_EQ(agenda.Scheduled(), 100u);
}

TEST(AgendaTest, WhatOnlyTheThreadWasLateForIsSentAfterTheEnd) {
  auto plan = Open(10);
  plan.duration = 200 * kMillisecond;
  Agenda agenda(plan, 0, kStart);
  EXPECT_TRUE(agenda.Take(kStart + 201 * kMillisecond, kStart));
  EXPECT_TRUE(agenda.Take(kStart + 201 * kMillisecond, kStart));
  EXPECT_FALSE(agenda.Take(kStart + 201 * kMillisecond, kStart)) << "due at the end itself";
  EXPECT_EQ(agenda.Scheduled(), 2u);
}

TEST(AgendaTest, StoppingForgetsWhatWasDueLater) {
  Agenda agenda(Open(10), 0, kStart);
  EXPECT_TRUE(agenda.Take(kStart, 0));
  agenda.Stop(kStart + 250 * kMillisecond);
  EXPECT_EQ(agenda.Scheduled(), 3u);
  EXPECT_FALSE(agenda.Take(kStart + 250 * kMillisecond, kStart + 250 * kMillisecond));
}

TEST(AgendaTest, ANumberOfRequestsIsSplitExactly) {
  for (const bool open : {true, false}) {
    Plan plan{.urls = {"u"}, .threads = 4, .count = 10};
    if (open) plan.rate = 1000;
    std::uint64_t taken = 0;
    for (int i = 0; i < plan.threads; ++i) {
      Agenda agenda(plan, i, kStart);
      while (agenda.Take(kStart + kSecond, kStart)) ++taken;
      EXPECT_EQ(agenda.NextDue(), Agenda::kNever);
      EXPECT_EQ(agenda.Scheduled(), agenda.taken());
    }
    EXPECT_EQ(taken, 10u);
  }
}

TEST(AgendaTest, ACountOutlastsItsPlannedEnd) {
  auto plan = Open(100);
  plan.count = 50;
  Agenda agenda(plan, 0, kStart);
  EXPECT_EQ(agenda.end(), Agenda::kNever);
  EXPECT_EQ(agenda.planned_end(), kStart + 500 * kMillisecond);
  EXPECT_TRUE(agenda.Take(kStart + 5 * kSecond, 0));
}

TEST(AgendaTest, InAClosedLoopARequestIsDueWhenItsConnectionIsFree) {
  Agenda agenda({.urls = {"u"}, .duration = kSecond}, 0, kStart);
  EXPECT_EQ(agenda.Take(kStart, 0)->due, kStart);
  EXPECT_EQ(agenda.Take(kStart + 9, kStart + 7)->due, kStart + 7);
  EXPECT_FALSE(agenda.Take(kStart + kSecond, kStart));
  EXPECT_EQ(agenda.Scheduled(), 2u);
}

}  // namespace
}  // namespace loadgen
