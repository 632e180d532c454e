#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "loadgen/report/report.h"
#include "loadgen/testing/full_listener.h"
#include "loadgen/testing/run_plan.h"
#include "loadgen/testing/scripted_server.h"
#include "pool/testing/json.h"

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;
using ::testing::HasSubstr;
using ::testing::Not;

class EngineTest : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Both, EngineTest, ::testing::Values("curl", "raw"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(EngineTest, KeepAliveReusesConnectionsAndCloseDoesNot) {
  ScriptedServer server;
  RunPlan(
      GetParam(),
      {.targets = {{.url = server.Url("/ok")}}, .arrivals = {.count = 50}, .connections = 2, .threads = 1});
  EXPECT_LE(server.Connections(), 2);
  const int before = server.Connections();
  RunPlan(GetParam(), {.targets = {{.url = server.Url("/ok")}},
                       .arrivals = {.count = 50},
                       .wire = {.keep_alive = false},
                       .connections = 2,
                       .threads = 1});
  EXPECT_EQ(server.Connections() - before, 50);
  EXPECT_THAT(server.LastRequest(), HasSubstr("Connection: close"));
}

TEST_P(EngineTest, ASilentResendIsPreventedAndCounted) {
  ScriptedServer server;
  const auto result = RunPlan(GetParam(), {.targets = {{.url = server.Url("/second-dies")}},
                                           .arrivals = {.count = 40},
                                           .connections = 1,
                                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 20u);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kResendSuppressed), 20u);
  EXPECT_EQ(server.Received("/second-dies"), 40);
  EXPECT_EQ(server.Connections(), 20) << "the prevented re-send should not even connect";
}

TEST_P(EngineTest, EveryRequestHasOneOutcomeWhenConnectionsDieBetweenRequests) {
  for (const auto* path : {"/then-close", "/then-reset"}) {
    ScriptedServer server;
    const auto result = RunPlan(
        GetParam(),
        {.targets = {{.url = server.Url(path)}}, .arrivals = {.count = 200}, .connections = 4, .threads = 2});
    const auto& tally = result.tally;
    EXPECT_EQ(tally.sent, 200u) << path;
    EXPECT_LE(server.Received(path), 200) << path;
    EXPECT_GE(server.Received(path), static_cast<int>(tally.outcomes.of(Outcome::kOk))) << path;
  }
}

TEST_P(EngineTest, AnIdleConnectionThatTheServerClosedCostsNothing) {
  for (const auto* path : {"/then-close", "/then-reset"}) {
    RunResult result;
    do {  // a machine that sent or answered one late left the connection no time to be idle
      ScriptedServer server;
      result = RunPlan(GetParam(), {.targets = {{.url = server.Url(path)}},
                                    .arrivals = {.rate = 5, .count = 4},
                                    .connections = 1,
                                    .threads = 1});
    } while (std::max(result.tally.latency.lag.max(), result.tally.latency.service.max()) > 50'000);
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 4u)
        << path << ToText(MakeReport(GetParam(), {.targets = {{.url = path}}}, result));
  }
}

TEST_P(EngineTest, BehavioursMixedAreCountedExactly) {
  ScriptedServer server;
  const auto result = RunPlan(GetParam(), {.targets = {{.url = server.Url("/ok")},
                                                       {.url = server.Url("/500")},
                                                       {.url = server.Url("/truncate-length")},
                                                       {.url = server.Url("/reset-in-body")},
                                                       {.url = server.Url("/close-framed")}},
                                           .arrivals = {.rate = 2000, .count = 500},
                                           .connections = 8,
                                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kBadStatus), 100u);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTruncated), 100u);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kResetInResponse), 100u);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 200u);
  EXPECT_EQ(result.tally.status.at(200), 200u);
  EXPECT_EQ(result.tally.status.at(500), 100u);
  EXPECT_EQ(result.tally.workers.at("3").requests, 300u);
}

TEST_P(EngineTest, RefusedAndUnresolvable) {
  std::string url;
  {
    const ScriptedServer gone;
    url = gone.Url("/");
  }
  const auto refused = RunPlan(
      GetParam(), {.targets = {{.url = url}}, .arrivals = {.count = 10}, .connections = 2, .threads = 2});
  EXPECT_EQ(refused.tally.outcomes.of(Outcome::kRefused), 10u);
  EXPECT_THAT(NothingReached(MakeReport(GetParam(), {.targets = {{.url = url}}}, refused)).value_or(""),
              HasSubstr("refused"));
  const auto unresolvable = RunPlan(GetParam(), {.targets = {{.url = "http://no-such-host.invalid/"}},
                                                 .arrivals = {.count = 2},
                                                 .connections = 1,
                                                 .threads = 1});
  EXPECT_EQ(unresolvable.tally.outcomes.of(Outcome::kResolve), 2u);
}

TEST_P(EngineTest, AFullBacklogTimesOutConnectingAndItsSynsAreSentAgain) {
  const FullListener full;
  const auto result = RunPlan(GetParam(), {.targets = {{.url = full.url()}},
                                           .arrivals = {.count = 4},
                                           .wire = {.timeout = 1200 * kMillisecond},
                                           .connections = 4,
                                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTimeoutConnect), 4u);
  const auto& own = result.tally.connections;
  EXPECT_EQ(own.opened, 4u);
  EXPECT_EQ(own.sent_again, 4u) << "a SYN is sent again after a second";
  EXPECT_GE(own.retransmits, 4u);
  EXPECT_THAT(ToText(MakeReport(GetParam(), {.targets = {{.url = "u"}}}, result)),
              HasSubstr("4 of this run's own 4 connections sent "));
}

TEST_P(EngineTest, AConnectionThatWasNotMadeIsNoHarmToTheNext) {
  const FullListener full;
  const ScriptedServer server;
  const auto result = RunPlan(GetParam(), {.targets = {{.url = full.url()}, {.url = server.Url("/ok")}},
                                           .arrivals = {.count = 4},
                                           .wire = {.timeout = 2 * kSecond},
                                           .connections = 1,
                                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTimeoutConnect), 2u);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 2u);
}

TEST_P(EngineTest, ConnectionsThatLoseNothingSendNothingAgain) {
  ScriptedServer server;
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = server.Url("/ok")}, {.url = server.Url("/close-framed")}},
                           .arrivals = {.rate = 20, .count = 10},
                           .connections = 2,
                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 10u);
  const auto& own = result.tally.connections;
  EXPECT_EQ(own.opened, static_cast<std::uint64_t>(server.Connections()));
  EXPECT_EQ(own.retransmits, 0u);
}

TEST_P(EngineTest, AnOpenLoopCountsWhatItCouldNotSend) {
  ScriptedServer server;
  const auto result = RunPlan(GetParam(), {.targets = {{.url = server.Url("/stall-before")}},
                                           .arrivals = {.rate = 1000, .duration = 200 * kMillisecond},
                                           .wire = {.drain = 50 * kMillisecond},
                                           .connections = 2,
                                           .threads = 1});
  EXPECT_EQ(result.scheduled, 200u);
  EXPECT_EQ(result.tally.sent, 2u);
  EXPECT_EQ(result.unsent(), 198u);
  EXPECT_EQ(result.tally.in_flight_at_end, 2u);
  EXPECT_GE(result.tally.latency.response.max(), 200'000);
  const bool paused = std::max(result.tally.timing.longest_pause / sys::kMicrosecond,
                               result.tally.latency.own_lag.max()) >= 100'000;
  const auto* expected = result.busiest.busy_share() >= 0.9 ? "cpu" : paused ? "paused" : "connections";
  EXPECT_EQ(
      MakeReport(GetParam(), {.targets = {{.url = "u"}}, .arrivals = {.rate = 1000}}, result).self.bottleneck,
      expected)
      << "a machine that is busy with other things keeps it from running, and it says so";
}

TEST_P(EngineTest, AQueuedRequestsLatencyRunsFromItsDueTime) {
  ScriptedServer server;
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = server.Url("/stall-before")}, {.url = server.Url("/ok")}},
                           .arrivals = {.rate = 1000, .count = 2},
                           .wire = {.timeout = 1500 * kMillisecond},
                           .connections = 1,
                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTimeoutFirstByte), 1u);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 1u);
  EXPECT_GE(result.tally.latency.response.ValueAtPercentile(50), 1'490'000);
  EXPECT_GE(result.tally.latency.lag.max(), 1'490'000);
  const auto stood_still = result.tally.timing.longest_pause / sys::kMicrosecond;
  EXPECT_LT(result.tally.latency.own_lag.max(), 1'490'000 + stood_still);
  EXPECT_LT(result.tally.latency.service.ValueAtPercentile(50), 1'490'000 + stood_still);
}

TEST_P(EngineTest, StoppingEndsARunThatWaits) {
  ScriptedServer server;
  LoadRun run({.targets = {{.url = server.Url("/stall-before")}},
               .arrivals = {.duration = 600 * kSecond},
               .wire = {.timeout = 600 * kSecond, .drain = 10 * kMillisecond},
               .connections = 4,
               .threads = 2},
              ChooseEngine(GetParam(), {.targets = {{.url = server.Url("/")}}})->factory);
  run.Start();
  while (run.progress().sent < 4) std::this_thread::yield();
  run.Stop();
  pollfd done{.fd = run.done_fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&done, 1, 60'000), 1);
  const auto result = run.Wait();
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.tally.in_flight_at_end, 4u);
  EXPECT_EQ(result.tally.sent, 4u);
}

TEST_P(EngineTest, SendsWhatThePlanSays) {
  ScriptedServer server;
  RunPlan(GetParam(),
          {.targets = {{.url = server.Url("/ok"), .method = "PUT", .headers = {"X-Mine: 7"}, .body = "b=1"}},
           .arrivals = {.count = 1},
           .threads = 1});
  EXPECT_THAT(server.LastRequest(), HasSubstr("PUT /ok HTTP/1.1\r\n"));
  EXPECT_THAT(server.LastRequest(), HasSubstr("X-Mine: 7\r\n"));
  EXPECT_THAT(server.LastRequest(), HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(server.LastRequest(), Not(HasSubstr("Expect:")));
  EXPECT_THAT(server.LastRequest(), HasSubstr("\r\n\r\nb=1"));
  const auto head = RunPlan(
      GetParam(),
      {.targets = {{.url = server.Url("/500"), .method = "HEAD"}}, .arrivals = {.count = 1}, .threads = 1});
  EXPECT_THAT(server.LastRequest(), HasSubstr("HEAD /500"));
  EXPECT_EQ(head.tally.outcomes.completed(), 1u);
}

TEST_P(EngineTest, TheCounterMakesEveryRequestAnother) {
  ScriptedServer server;
  const auto result = RunPlan(GetParam(), {.targets = {{.url = server.Url("/n?{counter}")}},
                                           .arrivals = {.count = 40},
                                           .connections = 4,
                                           .threads = 2});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kBadStatus), 40u);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(server.Received("/n?" + std::to_string(i)), 1) << i;
}

TEST_P(EngineTest, WhatIsExpectedIsOkAndNothingElse) {
  ScriptedServer server;
  const auto result = RunPlan(
      GetParam(),
      {.targets = {{.url = server.Url("/500")}, {.url = server.Url("/ok")}, {.url = server.Url("/chunked")}},
       .arrivals = {.count = 9},
       .expect = {.status = {200, 500}, .length = 0},
       .connections = 1,
       .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 3u);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kWrongBody), 6u);
  EXPECT_EQ(result.tally.targets.of(0).ok, 3u);
}

TEST_P(EngineTest, TheJournalNamesThePortTheServerSaw) {
  ScriptedServer server;
  const auto path = ::testing::TempDir() + "loadgen_engine_journal." + std::to_string(::getpid());
  const auto journal = Journal::Open(path);
  ASSERT_TRUE(journal);
  RunPlan(GetParam(),
          {.targets = {{.url = server.Url("/ok")},
                       {.url = server.Url("/truncate-length")},
                       {.url = server.Url("/second-dies")}},
           .arrivals = {.count = 60},
           .connections = 2,
           .threads = 2},
          &*journal);
  std::ifstream file(path);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const auto json = support::ParseJson(line);
    EXPECT_NE(json["outcome"], "ok");
    EXPECT_TRUE(server.SawPort(json["local_port"])) << line;
    EXPECT_GE(json["t_ms"], 0) << line;
    EXPECT_LE(json["sent_ns"], json["end_ns"]) << line;
  }
  EXPECT_GE(lines, 20);
  std::remove(path.c_str());
  EXPECT_FALSE(Journal::Open("/no/such/directory/journal"));
}

}  // namespace
}  // namespace hydrapool::loadgen
