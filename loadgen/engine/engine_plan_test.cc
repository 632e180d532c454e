#include <gtest/gtest.h>

#include <thread>

#include "loadgen/plan/start_time.h"
#include "loadgen/testing/run_plan.h"
#include "loadgen/testing/scripted_server.h"

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

/// What a plan says beside URLs and rates, both engines.
class EnginePlanTest : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Both, EnginePlanTest, ::testing::Values("curl", "raw"),
                         [](const auto& test) { return std::string(test.param); });

/// 30 requests that are due within 0.3 s, and two connections for them, which each one holds until its time
/// is over. However late the generator is itself, the first two find a connection and some others do not.
Plan Saturated(const ScriptedServer& server, Saturate how) {
  return {.targets = {{.url = server.Url("/stall-before")}},
          .arrivals = {.rate = 100, .saturate = how, .count = 30},
          .wire = {.timeout = 100 * kMillisecond},
          .connections = 2,
          .threads = 1};
}

TEST_P(EnginePlanTest, SaturatedAndQueueingItSendsLate) {
  const ScriptedServer server;
  const auto result = RunPlan(GetParam(), Saturated(server, Saturate::kQueue));
  EXPECT_EQ(result.scheduled, 30u);
  EXPECT_EQ(result.tally.sent, 30u);
  EXPECT_GE(result.tally.saturated, 1u);
  EXPECT_LT(result.tally.saturated, result.tally.sent);
  EXPECT_GE(result.tally.latency.lag.max(), 1'000'000) << "two at a time, a tenth of a second each";
}

TEST_P(EnginePlanTest, SaturatedAndDroppingItSendsNothingLate) {
  const ScriptedServer server;
  const auto result = RunPlan(GetParam(), Saturated(server, Saturate::kDrop));
  EXPECT_EQ(result.scheduled, 30u);
  EXPECT_LT(result.tally.sent, 30u);
  EXPECT_EQ(result.tally.saturated, result.unsent());
}

TEST_P(EnginePlanTest, WhatIsNeverSentWasDueWhileAllWereBusyTheWarmUpNot) {
  const ScriptedServer server;
  auto plan = Saturated(server, Saturate::kQueue);
  plan.arrivals = {.rate = 100, .warmup = 100 * kMillisecond, .duration = 200 * kMillisecond};
  plan.wire.timeout = 3600 * kSecond;
  plan.wire.drain = kMillisecond;
  const auto result = RunPlan(GetParam(), plan);
  EXPECT_EQ(result.scheduled, 20u);
  EXPECT_EQ(result.tally.sent, 0u) << "the warm-up holds both connections";
  EXPECT_EQ(result.tally.saturated, 20u);
}

TEST_P(EnginePlanTest, TheRateOfPoissonArrivalsIsOverTheTimeInWhichTheyWereDue) {
  const ScriptedServer server;
  auto plan = Saturated(server, Saturate::kDrop);
  plan.arrivals.poisson = true;
  const auto result = RunPlan(GetParam(), plan);
  EXPECT_LT(result.tally.sent, 30u);
  Agenda due(plan, 0, 0);
  sys::Nanos last = 0;
  for (auto next = due.NextDue(); next != Agenda::kNever; next = due.NextDue()) due.Skip(last = next);
  EXPECT_GE(result.sending + sys::kMicrosecond, last) << "whatever was dropped at the end";
}

TEST_P(EnginePlanTest, SaturatedAndOpeningItSendsEverythingInTime) {
  const ScriptedServer server;
  auto plan = Saturated(server, Saturate::kOpen);
  plan.wire.timeout = 3600 * kSecond;
  plan.wire.drain = 10 * kMillisecond;
  LoadRun run(plan, ChooseEngine(GetParam(), plan)->factory);
  run.Start();
  while (server.Connections() < 30) std::this_thread::yield();
  run.Stop();
  const auto result = run.Wait();
  EXPECT_EQ(result.scheduled, 30u);
  EXPECT_EQ(result.tally.sent, 30u);
  EXPECT_EQ(result.tally.in_flight_at_end, 30u);
  EXPECT_EQ(result.tally.saturated, 28u);
  EXPECT_EQ(server.Connections(), 30);
}

TEST_P(EnginePlanTest, TheWarmUpIsSentAndNotCounted) {
  const ScriptedServer server;
  const auto result = RunPlan(
      GetParam(), {.targets = {{.url = server.Url("/ok")}},
                   .arrivals = {.rate = 500, .warmup = 100 * kMillisecond, .duration = 200 * kMillisecond},
                   .connections = 4,
                   .threads = 2});
  EXPECT_EQ(result.scheduled, 100u);
  EXPECT_GE(result.warmed_up, 1u);
  EXPECT_LE(result.warmed_up, 50u);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), result.tally.sent);
  EXPECT_EQ(server.Received("/ok"), static_cast<int>(result.warmed_up + result.tally.sent));
}

TEST_P(EnginePlanTest, AWarmUpsRequestThatEndsLaterIsNotCountedEither) {
  const ScriptedServer server;
  const auto result = RunPlan(
      GetParam(), {.targets = {{.url = server.Url("/stall-before")}},
                   .arrivals = {.rate = 100, .warmup = 100 * kMillisecond, .duration = 100 * kMillisecond},
                   .wire = {.drain = kMillisecond},
                   .connections = 20,
                   .threads = 1});
  EXPECT_EQ(result.warmed_up, 10u);
  EXPECT_EQ(result.tally.in_flight_at_end, 10u);
}

TEST_P(EnginePlanTest, ItStartsWhenItIsTold) {
  const ScriptedServer server;
  const auto at = WallClock() + 200 * kMillisecond;
  RunPlan(GetParam(),
          {.targets = {{.url = server.Url("/ok")}}, .arrivals = {.count = 1, .start_at = at}, .threads = 1});
  EXPECT_GE(WallClock(), at);
  EXPECT_EQ(server.Received("/ok"), 1);
}

TEST_P(EnginePlanTest, ReplicasMakeOneRun) {
  const ScriptedServer server;
  std::uint64_t sent = 0;
  for (int r = 0; r < 3; ++r) {
    const auto result = RunPlan(GetParam(), {.targets = {{.url = server.Url("/n?{counter}")}},
                                             .arrivals = {.rate = 1000, .count = 100},
                                             .connections = 3,
                                             .threads = r + 1,
                                             .replica = {.index = r, .of = 3}});
    sent += result.tally.sent;
  }
  EXPECT_EQ(sent, 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(server.Received("/n?" + std::to_string(i)), 1) << i;
}

TEST_P(EnginePlanTest, StagesSendWhatIsUnderTheirCurve) {
  const ScriptedServer server;
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = server.Url("/ok")}},
                           .arrivals = {.rate = 250,
                                        .stages = {{.rate = 500, .duration = 400 * kMillisecond}},
                                        .duration = 400 * kMillisecond},
                           .connections = 4,
                           .threads = 2});
  EXPECT_EQ(result.scheduled, 100u);
  EXPECT_EQ(server.Received("/ok"), static_cast<int>(result.tally.sent));
}

TEST_P(EnginePlanTest, ARampAddsConnectionsOneAfterTheOther) {
  const ScriptedServer server;
  Plan plan{.targets = {{.url = server.Url("/ok")}},
            .arrivals = {.ramp = 3600 * kSecond, .count = 30},
            .connections = 4};
  RunPlan(GetParam(), plan);
  EXPECT_EQ(server.Connections(), 1) << "the second is due after twenty minutes";
  plan.arrivals = {.duration = 2 * kSecond, .ramp = kSecond / 10};
  const auto result = RunPlan(GetParam(), plan);
  EXPECT_EQ(server.Connections(), 1 + 4);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), result.tally.sent);
}

}  // namespace
}  // namespace hydrapool::loadgen
