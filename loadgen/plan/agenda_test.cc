#include "loadgen/plan/agenda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "loadgen/plan/due_so_far.h"
#include "loadgen/plan/scenario.h"

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

constexpr sys::Nanos kStart = 1'000 * kSecond;

Plan Open(double rate, int threads = 1) {
  return {.targets = {{.url = "u"}}, .arrivals = {.rate = rate}, .threads = threads};
}

TEST(AgendaTest, ThreadsTogetherMakeTheScheduleWhole) {
  const auto plan = Open(1000, 3);
  std::vector<sys::Nanos> due;
  std::uint64_t scheduled = 0;
  for (int i = 0; i < plan.threads; ++i) {
    Agenda agenda(plan, i, kStart);
    while (const auto arrival = agenda.Take(kStart + plan.arrivals.duration - 1, kStart))
      due.push_back(arrival->due);
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
  EXPECT_EQ(agenda.Scheduled(), 100u);
}

TEST(AgendaTest, WhatOnlyTheThreadWasLateForIsSentAfterTheEnd) {
  auto plan = Open(10);
  plan.arrivals.duration = 200 * kMillisecond;
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
    Plan plan{.targets = {{.url = "u"}}, .arrivals = {.count = 10}, .threads = 4};
    if (open) plan.arrivals.rate = 1000;
    std::uint64_t taken = 0;
    for (int i = 0; i < plan.threads; ++i) {
      Agenda agenda(plan, i, kStart);
      std::uint64_t own = 0;
      while (agenda.Take(kStart + kSecond, kStart)) ++own;
      EXPECT_EQ(agenda.NextDue(), Agenda::kNever);
      EXPECT_EQ(agenda.Scheduled(), own);
      taken += own;
    }
    EXPECT_EQ(taken, 10u);
  }
}

TEST(AgendaTest, ACountOutlastsItsPlannedEnd) {
  auto plan = Open(100);
  plan.arrivals.count = 50;
  Agenda agenda(plan, 0, kStart);
  EXPECT_EQ(agenda.end(), Agenda::kNever);
  EXPECT_EQ(agenda.planned_end(), kStart + 500 * kMillisecond);
  EXPECT_TRUE(agenda.Take(kStart + 5 * kSecond, 0));
}

TEST(AgendaTest, InAClosedLoopARequestIsDueWhenItsConnectionIsFree) {
  Agenda agenda({.targets = {{.url = "u"}}, .arrivals = {.duration = kSecond}}, 0, kStart);
  EXPECT_EQ(agenda.Take(kStart, 0)->due, kStart);
  EXPECT_EQ(agenda.Take(kStart + 9, kStart + 7)->due, kStart + 7);
  EXPECT_FALSE(agenda.Take(kStart + kSecond, kStart));
  EXPECT_EQ(agenda.Scheduled(), 2u);
}

TEST(AgendaTest, PoissonArrivalsAreThePlannedRateAndOneStory) {
  auto plan = Open(5000, 3);
  plan.arrivals.poisson = true;
  std::uint64_t scheduled = 0;
  for (int i = 0; i < plan.threads; ++i) {
    Agenda agenda(plan, i, kStart);
    Agenda again(plan, i, kStart);
    std::uint64_t taken = 0;
    while (const auto arrival = agenda.Take(kStart + plan.arrivals.duration, kStart)) {
      ASSERT_EQ(again.Take(kStart + plan.arrivals.duration, kStart)->due, arrival->due);
      ++taken;
    }
    EXPECT_EQ(agenda.Scheduled(), taken);
    scheduled += agenda.Scheduled();
  }
  EXPECT_NEAR(static_cast<double>(scheduled), 50'000, 5 * std::sqrt(50'000.0));
}

TEST(AgendaTest, UrlsWithRatesHaveAScheduleEach) {
  const Plan plan{.targets = {{.url = "a", .rate = 100}, {.url = "b", .rate = 10}},
                  .arrivals = {.rate = 110},
                  .threads = 2};
  std::array<int, 2> taken{};
  std::set<std::uint64_t> turns;
  for (int i = 0; i < plan.threads; ++i) {
    Agenda agenda(plan, i, kStart);
    sys::Nanos last = 0;
    while (const auto arrival = agenda.Take(kStart + plan.arrivals.duration, kStart)) {
      ++taken[arrival->url];
      turns.insert(arrival->turn);
      ASSERT_GE(arrival->due, last);
      last = arrival->due;
      ASSERT_EQ((arrival->due - kStart) % ((arrival->url == 0 ? 10 : 100) * kMillisecond), 0);
    }
  }
  EXPECT_EQ(taken[0], 1000);
  EXPECT_EQ(taken[1], 100);
  EXPECT_EQ(turns.size(), 1100u);
}

TEST(AgendaTest, ReplicasTogetherMakeTheScheduleWholeHoweverManyThreadsEachHas) {
  std::set<sys::Nanos> due;
  std::set<std::uint64_t> turns;
  for (int r = 0; r < 3; ++r) {
    auto plan = Open(1000, r + 1);
    plan.replica = {.index = r, .of = 3};
    for (int i = 0; i < plan.threads; ++i) {
      Agenda agenda(plan, i, kStart);
      while (const auto arrival = agenda.Take(kStart + plan.arrivals.duration - 1, kStart)) {
        EXPECT_TRUE(due.insert(arrival->due).second);
        EXPECT_TRUE(turns.insert(arrival->turn).second);
      }
    }
  }
  EXPECT_EQ(due.size(), 10'000u);
  EXPECT_EQ(*turns.rbegin(), 9'999u);
}

TEST(AgendaTest, ACountIsSplitAmongReplicas) {
  std::uint64_t taken = 0;
  for (int r = 0; r < 3; ++r) {
    const Plan plan{.targets = {{.url = "u"}},
                    .arrivals = {.count = 100},
                    .threads = 2,
                    .replica = {.index = r, .of = 3}};
    for (int i = 0; i < plan.threads; ++i) {
      Agenda agenda(plan, i, kStart);
      while (agenda.Take(kStart, kStart)) ++taken;
    }
  }
  EXPECT_EQ(taken, 100u);
}

TEST(AgendaTest, StagesAreSharedByThreads) {
  Plan plan{.targets = {{.url = "u"}},
            .arrivals = {.rate = 50, .stages = {{.rate = 100, .duration = 10 * kSecond}}},
            .threads = 3};
  std::vector<sys::Nanos> due;
  for (int i = 0; i < plan.threads; ++i) {
    Agenda agenda(plan, i, kStart);
    while (const auto arrival = agenda.Take(kStart + plan.arrivals.duration, kStart))
      due.push_back(arrival->due);
    EXPECT_EQ(agenda.NextDue(), Agenda::kNever);
  }
  std::ranges::sort(due);
  ASSERT_EQ(due.size(), 500u);
  EXPECT_EQ(due[125], kStart + 5 * kSecond);
}

TEST(AgendaTest, TheWarmUpIsSentAndNotCounted) {
  auto plan = Open(10);
  plan.arrivals.warmup = 2 * kSecond;
  plan.arrivals.duration = 3 * kSecond;
  Agenda agenda(plan, 0, kStart);
  for (int i = 0; i < 15; ++i) EXPECT_TRUE(agenda.Take(kStart + kSecond * 5 / 2, kStart)) << i;
  EXPECT_EQ(agenda.Scheduled(), 30u) << "the rest waits";
  EXPECT_EQ(agenda.end(), kStart + 5 * kSecond);
  Agenda late(plan, 0, kStart);
  EXPECT_EQ(late.Scheduled(), 30u) << "what was never sent of the warm-up counts as little";
  Agenda closed({.targets = {{.url = "u"}}, .arrivals = {.warmup = kSecond, .duration = kSecond}}, 0, kStart);
  EXPECT_TRUE(closed.Take(kStart + 1, kStart + 1));
  EXPECT_TRUE(closed.Take(kStart + kSecond, kStart + kSecond));
  EXPECT_EQ(closed.Scheduled(), 1u);
}

TEST(AgendaTest, WhatIsSkippedIsScheduledAndNotHandedOut) {
  Agenda agenda(Open(10), 0, kStart);
  EXPECT_EQ(agenda.Skip(kStart + 350 * kMillisecond), 4u);
  const auto arrival = agenda.Take(kStart + 400 * kMillisecond, kStart);
  ASSERT_TRUE(arrival);
  EXPECT_EQ(arrival->turn, 4u);
  EXPECT_EQ(agenda.Scheduled(), 100u);
  EXPECT_EQ(agenda.Skip(kStart + 60 * kSecond), 95u);
  EXPECT_EQ(agenda.Scheduled(), 100u);
}

TEST(DueSoFarTest, CountsTheArrivalsAndNotTheirMean) {
  for (const bool poisson : {false, true}) {
    auto plan = Open(50, 2);
    plan.arrivals.poisson = poisson;
    plan.arrivals.warmup = kSecond;
    std::vector<Agenda> agendas{{plan, 0, kStart}, {plan, 1, kStart}};
    DueSoFar due(plan, kStart + kSecond);
    std::uint64_t taken = 0;
    for (sys::Nanos now = kStart; now < kStart + 11 * kSecond; now += kSecond / 10) {
      for (auto& agenda : agendas) {
        while (const auto arrival = agenda.Take(now, now)) taken += arrival->due < kStart + kSecond ? 0 : 1;
      }
      EXPECT_EQ(due.By(now), taken) << poisson;
    }
    EXPECT_GT(taken, 300u);
  }
  EXPECT_EQ(DueSoFar({.targets = {{.url = "u"}}}, kStart).By(kStart + kSecond), 0u) << "a closed loop";
}

TEST(AgendaTest, SessionsTakeTurnsHoweverManyRequestsTheyHave) {
  const auto scenario = std::make_shared<const Scenario>(
      Scenario{.of_requests = true, .sessions = {{.name = "a", .weight = 3}, {.name = "b"}}});
  Agenda agenda({.targets = {{.url = "u"}}, .scenario = scenario}, 0, kStart);
  std::array<int, 2> begun{};
  for (int i = 0; i < 400; ++i) {
    ++begun[agenda.BeginSession()];
    for (int request = 0; request < 4; ++request) agenda.Take(kStart + 1, kStart);
  }
  EXPECT_EQ(begun[0], 300);
}

TEST(AgendaTest, WeightsSayHowOftenAUrlHasItsTurn) {
  Agenda agenda({.targets = {{.url = "a", .weight = 3}, {.url = "b", .weight = 1}}}, 0, kStart);
  std::array<int, 2> taken{};
  for (int i = 0; i < 400; ++i) ++taken[agenda.Take(kStart + 1, kStart)->url];
  EXPECT_EQ(taken[0], 300);
}

}  // namespace
}  // namespace hydrapool::loadgen
