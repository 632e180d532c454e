#include "loadgen/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;
using ::testing::HasSubstr;
using ::testing::Not;

void Add(Tally& tally, Outcome outcome, int status, std::string_view worker) {
  const Attempt attempt{.due = 0, .sent = kMillisecond};
  tally.Sent(attempt, true);
  tally.Finished(attempt, {.outcome = outcome,
                           .end = 3 * kMillisecond,
                           .status = status,
                           .bytes = 50,
                           .worker = worker,
                           .detail = outcome == Outcome::kRefused ? "Connection refused" : ""});
}

Report Example() {
  RunResult run{
      .scheduled = 6, .duration = 2 * kSecond, .sending = 2 * kSecond, .counted = 3, .cpu = 6 * kMillisecond};
  Add(run.tally, Outcome::kOk, 200, "0.1");
  Add(run.tally, Outcome::kOk, 200, "1.4");
  Add(run.tally, Outcome::kBadStatus, 500, "1.4");
  Add(run.tally, Outcome::kRefused, 0, "");
  const Attempt unanswered{.due = 0, .sent = kMillisecond};
  run.tally.Sent(unanswered, true);
  run.tally.InFlightAtEnd(unanswered, kSecond);
  run.tally.connections.opened = 4;
  run.tally.connections.addresses.Add({.address = "127.0.0.1:80", .tried = 3, .connected = 3});
  run.tally.connections.addresses.Add({.address = "[::1]:80", .tried = 1, .connected = 0});
  return MakeReport("curl", {.targets = {{.url = "http://h/"}}}, std::move(run));
}

TEST(ReportJsonTest, HasTheKeysOthersRelyOn) {
  const auto json = ToJson(Example());
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["engine"], "curl");
  EXPECT_EQ(
      json["requests"].dump(),
      R"({"scheduled":6,"unsent":1,"sent":5,"completed":3,"ok":2,"failed":1,"in_flight_at_end":1,"saturated":0,"warmed_up":0,"follow_ups":0})");
  EXPECT_EQ(json["duration_s"], 2.0);
  EXPECT_EQ(json["throughput_rps"], 1.5);
  EXPECT_EQ(json["bytes"]["received"], 200);
  EXPECT_EQ(json["status"].dump(), R"({"200":2,"500":1})");
  EXPECT_EQ(json["errors"].dump(), R"({"bad_status":1,"refused":1})");
  EXPECT_EQ(json["workers"].dump(),
            R"({"0":{"requests":1,"errors":0,"p50_us":2000,"p99_us":2000,"max_us":2000,"mean_us":2000.0},)"
            R"("1":{"requests":2,"errors":1,"p50_us":2000,"p99_us":2000,"max_us":2000,"mean_us":2000.0}})");
  EXPECT_DOUBLE_EQ(json["fairness_jain"].get<double>(), 0.9);
  EXPECT_DOUBLE_EQ(json["self"]["cpu_us_per_request"].get<double>(), 1200);
  EXPECT_EQ(json["self"]["bottleneck"], "none");
  EXPECT_EQ(
      json["self"]["network"]["addresses"].dump(),
      R"([{"address":"127.0.0.1:80","tried":3,"connected":3},{"address":"[::1]:80","tried":1,"connected":0}])");
  for (const auto* latency : {"response", "service", "lag"}) {
    for (const auto* key : {"p50", "p90", "p99", "p99.9", "max", "mean"}) {
      EXPECT_TRUE(json["latency_us"][latency][key].is_number()) << latency << key;
    }
    EXPECT_EQ(json["latency_us"][latency]["count"], 5) << latency;
  }
  EXPECT_EQ(json["latency_us"]["response"]["max"], 1'000'000);
}

TEST(ReportJsonTest, AnEmptyRunIsStillWhole) {
  const auto json = ToJson(MakeReport("curl", {.targets = {{.url = "http://h/"}}}, {}));
  EXPECT_EQ(json["throughput_rps"], 0);
  EXPECT_EQ(json["fairness_jain"], 1);
  EXPECT_TRUE(json["workers"].is_object());
  EXPECT_EQ(json["achieved"], 1);
}

TEST(ReportTextTest, SaysWhatHappened) {
  const auto text = ToText(Example());
  EXPECT_THAT(text, HasSubstr("5 sent = 3 completed + 1 failed + 1 in flight"));
  EXPECT_THAT(text, HasSubstr("refused: 1  (Connection refused)"));
  EXPECT_THAT(text, HasSubstr("200: 2"));
  EXPECT_THAT(text, HasSubstr("fairness 0.900"));
  EXPECT_THAT(text, HasSubstr("connected  3 connections made, 1 more tried\n"
                              "           3 to 127.0.0.1:80\n"
                              "           0 to [::1]:80, 1 more tried\n"));
}

TEST(ReportTextTest, OfManyAddressesTheFirstAreNamed) {
  auto report = Example();
  for (int i = 0; i < 100; ++i)
    report.run.tally.connections.addresses.Add(
        {.address = "h:" + std::to_string(i), .tried = 1, .connected = 1});
  EXPECT_THAT(ToText(report),
              HasSubstr("1 to h:5\n           and to 25 more addresses: all are in --json\n"));
}

TEST(ReportTextTest, FitsATerminalOfEightyColumns) {
  auto report = Example();
  report.plan.targets = {{.url = "http://h/" + std::string(50, 'x')}, {.url = "http://h/"}};
  report.run.tally.outcomes.Add(Outcome::kTls);
  report.run.tally.outcomes.Explain(Outcome::kTls, std::string(30, 'a') + " " + std::string(30, 'b'));
  report.run.tally.latency.lag.Record(999'000);
  report.run.tally.latency.response.Record(3'600'000'000);
  report.run.tally.phases[2].Record(59'900'000);
  report.run.tally.workers[std::string(500, 'w')].requests = 1'000'000'000'000;
  report.self = {.bottleneck = "cpu",
                 .valid = false,
                 .reason = "only 1 % was sent; " + std::string(60, 'c') + " was the limit"};
  report.slos = {{.text = "p99<50ms", .met = false, .value = 1, .shown = "3600 s"}};
  std::istringstream lines(ToText(report));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(Columns(line), 80u) << line;
}

TEST(ReportTextTest, WhatAServerSaysCannotMoveTheCursor) {
  auto report = Example();
  report.run.tally
      .workers
          ["\x1b[2J\xc2\x9b"
           "2J\xff"]
      .requests = 1;
  report.run.tally.outcomes.Add(Outcome::kTls);
  report.run.tally.outcomes.Explain(Outcome::kTls,
                                    "\xc2\x9b"
                                    "2J");
  EXPECT_THAT(ToText(report), HasSubstr("  ?[2J?2J? "));
  EXPECT_THAT(ToText(report), HasSubstr("(?2J)"));
}

TEST(ReportTextTest, SaysWhenTheHeaderNamesNoWorker) {
  auto report = Example();
  for (std::size_t i = 0; i <= kMaxWorkers; ++i) report.run.tally.workers[std::to_string(i)].requests = 1;
  EXPECT_THAT(ToText(report), HasSubstr("X-Worker may not name a worker"));
}

TEST(ReportTest, AThreadThatEndedEarlyWasNotBusyAllTheTime) {
  RunResult run{.scheduled = 1, .duration = kSecond, .busiest = {.cpu = kMillisecond, .wall = kMillisecond}};
  Add(run.tally, Outcome::kOk, 200, "");
  EXPECT_EQ(MakeReport("raw", {.targets = {{.url = "http://h/"}}, .arrivals = {.rate = 0.1}}, std::move(run))
                .self.bottleneck,
            "none");
}

TEST(ReportTextTest, TellsTheRunsOwnRetransmissionsFromTheMachines) {
  RunResult run{.scheduled = 1, .duration = kSecond, .kernel = {.retransmits = 9}};
  EXPECT_THAT(ToText(MakeReport("raw", {.targets = {{.url = "u"}}}, run)), Not(HasSubstr("own")));
  run.tally.connections = {.opened = 40, .sent_again = 2, .retransmits = 5};
  const auto report = MakeReport("raw", {.targets = {{.url = "u"}}}, run);
  EXPECT_THAT(ToText(report),
              HasSubstr("network    2 of this run's own 40 connections sent 5 TCP segments again\n"
                        "network    9 TCP segments sent again on this machine, by all programs\n"));
  EXPECT_EQ(ToJson(report)["self"]["network"]["own_connections_sent_again"], 2);
}

TEST(ReportTest, AnOpenLoopThatMissedItsScheduleByItsOwnFaultIsInvalid) {
  RunResult run{.scheduled = 100, .duration = kSecond, .busiest = {.cpu = kSecond, .wall = kSecond}};
  Add(run.tally, Outcome::kOk, 200, "");
  const auto report =
      MakeReport("curl", {.targets = {{.url = "http://h/"}}, .arrivals = {.rate = 100}}, std::move(run));
  EXPECT_FALSE(report.self.valid);
  EXPECT_THAT(ToText(report), HasSubstr("INVALID"));
  EXPECT_EQ(ToJson(report)["valid"], false);
}

TEST(ReportTextTest, StragglersAreApartFromTheRate) {
  RunResult run{.scheduled = 1, .duration = 4 * kSecond, .sending = 2 * kSecond, .counted = 1};
  Add(run.tally, Outcome::kOk, 200, "");
  const auto text = ToText(MakeReport("raw", {.targets = {{.url = "u"}}, .arrivals = {.rate = 0.5}}, run));
  EXPECT_THAT(text, HasSubstr("0.5 responses/s for 2.00 s"));
  EXPECT_THAT(text, HasSubstr("1 came after the last was sent, up to 2.00 s later"));
}

TEST(ReportTextTest, APercentileBehindWhichHardlyAnyLiesIsNotPrinted) {
  const auto text = ToText(Example());
  EXPECT_THAT(text,
              HasSubstr("  response   3.00 ms       -       -       -       -       -       -  1.00 s\n"));
  EXPECT_THAT(text, HasSubstr("(-: fewer than ten of them lie beyond that percentile)"));
}

TEST(ReportTextTest, LatenciesAreShownByStatusAndByOutcome) {
  const auto text = ToText(Example());
  EXPECT_THAT(text, HasSubstr("response of"));
  EXPECT_THAT(text, HasSubstr("\n  200        3.00 ms"));
  EXPECT_THAT(text, HasSubstr("\n  500        3.00 ms"));
  EXPECT_THAT(text, HasSubstr("\n  refused    3.00 ms"));
}

TEST(ReportTextTest, EachUrlHasItsOwnLine) {
  auto report = Example();
  report.plan.targets = {{.url = "http://h/a"}, {.url = "http://h/b"}};
  report.run.tally.targets = {};
  for (int i = 0; i < 30; ++i) {
    report.run.tally.targets.Sent(1);
    report.run.tally.targets.Finished(1, Outcome::kOk, 5000);
    report.run.tally.targets.Took(1, 2, 4000);
  }
  EXPECT_THAT(ToText(report), HasSubstr("              30        30         0   5.00 ms         -  /b\n"));
  EXPECT_THAT(ToText(report), HasSubstr("\n               -         -     4.00 ms       -  /b\n"));
  EXPECT_THAT(ToText(report), HasSubstr("targets    at http://h\n"));
  report.plan.targets[0].url = "http://other/";
  EXPECT_THAT(ToText(report), HasSubstr("         0   5.00 ms         -  http://h/b\n"));
  EXPECT_EQ(ToJson(report)["targets"][1]["phases_us"]["first_byte"]["max"], 4000);
  EXPECT_FALSE(ToJson(report)["targets"][1]["phases_us"].contains("connect"));
  EXPECT_EQ(ToJson(report)["targets"][1]["latency_ok_us"]["count"], 30);
}

TEST(CommandTest, IsWhatWasAskedForWithoutSecrets) {
  EXPECT_EQ(CommandOf({.targets = {{.url = "http://h/", .headers = {"Cookie: x"}}},
                       .arrivals = {.rate = 500, .duration = 30 * kSecond}}),
            "loadgen -R 500 -c 10 -t 1 -d 30s --timeout 10s http://h/");
  EXPECT_EQ(CommandOf({.targets = {{.url = "http://h/"}}, .wire = {.extras = {.limit_rate = 500}}}),
            "loadgen -c 10 -t 1 -d 10s --limit-rate 500 --timeout 10s http://h/");
  EXPECT_EQ(CommandOf({.targets = {{.url = "http://h/", .method = "PUT"}},
                       .arrivals = {.rate = 5, .poisson = true, .saturate = Saturate::kDrop},
                       .wire = {.streams = 9, .reuse = 7, .extras = {.http2 = true}}}),
            "loadgen -R 5 -c 10 -t 1 -d 10s --arrival poisson --saturate drop --connection reuse:7 --http2 "
            "--streams 9 -m PUT --timeout 10s http://h/");
}

TEST(NothingAnsweredTest, SaysHowManyWait) {
  RunResult run{.scheduled = 1, .duration = kSecond};
  run.tally.Sent({}, true);
  run.tally.InFlightAtEnd({}, kSecond);
  const auto report = MakeReport("raw", {.targets = {{.url = "u"}}}, run);
  EXPECT_FALSE(NothingReached(report));
  EXPECT_EQ(NothingAnswered(report).value_or(""),
            "not one of 1 requests was answered: 0 failed, 1 in flight at the end");
  EXPECT_FALSE(NothingAnswered(Example()));
}

TEST(ReportTest, RequestsThatNeverLeftThisMachineMakeItInvalid) {
  RunResult run{.scheduled = 2, .duration = kSecond};
  Add(run.tally, Outcome::kOk, 200, "");
  Add(run.tally, Outcome::kNoPorts, 0, "");
  const auto open = MakeReport("raw", {.targets = {{.url = "u"}}, .arrivals = {.rate = 2}}, run);
  EXPECT_FALSE(open.self.valid);
  EXPECT_DOUBLE_EQ(open.run.achieved(), 0.5);
  EXPECT_FALSE(MakeReport("raw", {.targets = {{.url = "u"}}}, run).self.valid);
}

TEST(NothingReachedTest, OnlyWhereNoRequestCanHaveReachedAServer) {
  Report report;
  Add(report.run.tally, Outcome::kRefused, 0, "");
  EXPECT_THAT(NothingReached(report).value_or(""), HasSubstr("Connection refused"));
  Add(report.run.tally, Outcome::kResetBeforeResponse, 0, "");
  EXPECT_FALSE(NothingReached(report));
  EXPECT_FALSE(NothingReached(Example()));
  EXPECT_TRUE(NothingReached(Report{}));
}

}  // namespace
}  // namespace hydrapool::loadgen
