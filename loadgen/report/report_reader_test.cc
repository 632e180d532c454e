#include "loadgen/report/report_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loadgen/report/series_json.h"

namespace hydrapool::loadgen {
namespace {

using sys::kMicrosecond;
using sys::kMillisecond;
using sys::kSecond;
using ::testing::HasSubstr;

/// A run as a thread records it: `n` requests, one each 7 ms, of latencies that differ by `salt`.
RunResult Record(int n, int salt, std::int64_t start_unix_ms) {
  Plan plan{.targets = {{.url = "http://h/"}}};
  Recorder recorder(plan, 0, 3600 * kSecond, nullptr);
  for (int i = 0; i < n; ++i) {
    const sys::Nanos due = i * 7 * kMillisecond;
    const Attempt attempt{.due = due, .sent = due + (i % 13) * kMicrosecond};
    recorder.Sent(attempt);
    if (i == n - 1) {
      recorder.InFlightAtEnd(attempt, due + kSecond, 0);
      break;
    }
    const auto took = (300 + (i * salt) % 5000) * kMicrosecond;
    recorder.Finished(attempt, {.outcome = i % 50 == 7 ? Outcome::kTruncated : Outcome::kOk,
                                .end = due + took,
                                .status = 200,
                                .bytes = 10,
                                .worker = i % 2 == 0 ? "0.1" : "a b",
                                .detail = "cut",
                                .phases = {.first_byte = took / 2, .body = took / 2}});
  }
  ConnectionCounts connections{.opened = static_cast<std::uint64_t>(n), .sent_again = 2, .retransmits = 3};
  connections.addresses.Add({.address = "127.0.0.1:80", .tried = 5, .connected = 4});
  recorder.Connections(connections);
  recorder.Finish();
  return {.tally = recorder.tally(),
          .series = recorder.TakeTold().series,
          .scheduled = static_cast<std::uint64_t>(n),
          .start_unix_ms = start_unix_ms,
          .duration = n * 7 * kMillisecond + kSecond,
          .cpu = kSecond,
          .kernel = {.retransmits = 3, .machine_busy = 3 * kSecond, .machine_all = 8 * kSecond},
          .peak_memory = 5'000'000,
          .cores = 2};
}

Report Of(RunResult run, Replica replica = {}) {
  Plan plan{.targets = {{.url = "http://h/"}}, .arrivals = {.rate = 150}, .connections = 8};
  plan.replica = replica;
  return MakeReport("raw", plan, std::move(run));
}

Report ThereAndBack(const Report& report) {
  auto back = ReadReport(ToJson(report).dump());
  EXPECT_TRUE(back) << back.error().message;
  return std::move(*back);
}

TEST(ReportReaderTest, ToJsonOfWhatWasReadIsTheSame) {
  const auto report = Of(Record(700, 31, 1'700'000'000'000));
  EXPECT_EQ(ToJson(ThereAndBack(report)), ToJson(report));
}

TEST(ReportReaderTest, EachUrlsCountsAndLatenciesComeBack) {
  Plan plan{.targets = {{.url = "http://h/a"}, {.url = "http://h/b"}}};
  Recorder recorder(plan, 0, 3600 * kSecond, nullptr);
  for (int i = 0; i < 300; ++i) {
    const Attempt attempt{.url = static_cast<std::size_t>(i % 2), .due = i * 10 * kMillisecond};
    recorder.Sent(attempt);
    recorder.Finished(attempt, {.outcome = i % 7 == 0 ? Outcome::kRefused : Outcome::kOk,
                                .end = attempt.due + (1 + i % 2) * kMillisecond,
                                .phases = {.first_byte = 700 * sys::kMicrosecond}});
  }
  recorder.Finish();
  const RunResult run{.tally = recorder.tally(),
                      .series = recorder.TakeTold().series,
                      .scheduled = 300,
                      .duration = 3 * kSecond,
                      .sending = 3 * kSecond,
                      .counted = 257};
  const auto report = MakeReport("raw", plan, run);
  const auto back = ThereAndBack(report);
  EXPECT_EQ(ToJson(back)["targets"], ToJson(report)["targets"]);
  EXPECT_EQ(ToJson(back)["series"], ToJson(report)["series"]);
  EXPECT_EQ(back.run.tally.targets.of(1).response.max(), 2000);
}

TEST(ReportReaderTest, AThreadThatSendsToOneOfSeveralUrlsTellsOfIt) {
  Plan plan{.targets = {{.url = "http://h/a"}, {.url = "http://h/b"}}};
  Recorder recorder(plan, 0, 3600 * kSecond, nullptr);
  recorder.Sent({});
  recorder.Finished({}, {.outcome = Outcome::kOk, .end = kMillisecond});
  recorder.Finish();
  const auto told = recorder.TakeTold().series;
  ASSERT_EQ(told.intervals().at(0).targets.size(), 2u);
  EXPECT_EQ(told.intervals().at(0).targets[0].ok, 1u);
}

TEST(ReportReaderTest, WhatIsNoReportIsRefusedInWords) {
  EXPECT_FALSE(ReadReport("[]"));
  EXPECT_THAT(ReadReport("{}").error().message, HasSubstr("not a whole JSON report"));
  auto json = ToJson(Of(Record(100, 31, 0)));
  auto sum = json;
  sum["requests"]["sent"] = 101;
  EXPECT_THAT(ReadReport(sum.dump()).error().message, HasSubstr("do not add up"));
  auto targets = json;
  targets["plan"]["urls"] = nlohmann::json::array();
  EXPECT_THAT(ReadReport(targets.dump()).error().message, HasSubstr("none of its URLs"));
  json["hdr_log"].erase(0);
  EXPECT_THAT(ReadReport(json.dump()).error().message, HasSubstr("not all of its requests"));
}

TEST(MergeReportsTest, IsExactlyWhatOneRunOfBothWouldHaveBeen) {
  const auto a = Record(700, 31, 1'700'000'000'000);
  const auto b = Record(500, 57, 1'700'000'000'003);
  const std::vector<Report> reports{ThereAndBack(Of(a, {.index = 0, .of = 2})),
                                    ThereAndBack(Of(b, {.index = 1, .of = 2}))};
  const auto merged = MergeReports(reports, {});
  auto tally = a.tally;
  tally.Merge(b.tally);
  EXPECT_EQ(merged.run.tally.sent, 1200u);
  EXPECT_EQ(merged.run.tally.in_flight_at_end, 2u);
  EXPECT_EQ(merged.run.tally.latency.response, tally.latency.response);
  EXPECT_EQ(merged.run.tally.latency.lag, tally.latency.lag);
  EXPECT_EQ(merged.run.tally.phases, tally.phases);
  EXPECT_EQ(merged.run.tally.connections, tally.connections);
  EXPECT_EQ(merged.run.tally.workers.at("a b").service, tally.workers.at("a b").service);
  EXPECT_EQ(merged.run.tally.outcomes.of(Outcome::kTruncated), tally.outcomes.of(Outcome::kTruncated));
  std::uint64_t in_seconds = 0;
  for (const auto& [begin, interval] : merged.run.series.intervals())
    in_seconds += interval.response.Unpack().count();
  EXPECT_EQ(in_seconds, 1200u);
  EXPECT_EQ(merged.plan.arrivals.rate, 150);
  EXPECT_EQ(merged.plan.connections, 16);
  EXPECT_EQ(ToJson(ThereAndBack(merged))["latency_us"], ToJson(merged)["latency_us"])
      << "a merged report merges again";
}

TEST(MergeReportsTest, PartsOfARunAreThereOnceEach) {
  const auto run = Record(100, 31, 1'700'000'000'000);
  const auto parts = [&run](std::initializer_list<Replica> replicas) {
    std::vector<Report> reports;
    for (const auto& replica : replicas) reports.push_back(Of(run, replica));
    return reports;
  };
  EXPECT_EQ(WrongParts(parts({{0, 3}, {2, 3}, {1, 3}})), "");
  EXPECT_EQ(WrongParts(parts({{0, 1}, {0, 1}})), "") << "runs of their own";
  EXPECT_EQ(WrongParts(parts({{0, 3}, {1, 3}, {0, 3}})), "replica 1/3 is there twice");
  EXPECT_EQ(WrongParts(parts({{0, 3}, {1, 2}})), "a replica of 2 and one of 3 are no parts of one run");
  EXPECT_TRUE(MergeReports(parts({{0, 2}, {1, 2}}), {}).self.valid);
  EXPECT_EQ(MergeReports(parts({{0, 2}, {1, 2}}), {}).identity, Of(run).identity);
  const auto missing = MergeReports(parts({{1, 4}, {3, 4}}), {});
  EXPECT_FALSE(missing.self.valid);
  EXPECT_THAT(missing.self.reason, HasSubstr("replica 1, 3 of 4 is missing"));
}

TEST(MergeReportsTest, PartsOfDifferentPlansAreRefused) {
  const auto run = Record(100, 31, 1'700'000'000'000);
  std::vector<Report> reports{ThereAndBack(Of(run, {0, 2})), ThereAndBack(Of(run, {1, 2}))};
  EXPECT_EQ(WrongParts(reports), "");
  reports[1].identity = "another";
  EXPECT_EQ(
      WrongParts(reports),
      "replicas 1/2 and 2/2 are of different runs: their plans differ (--any-plan merges them nevertheless)");
  EXPECT_EQ(WrongParts(reports, true), "");
  EXPECT_EQ(MergeReports(reports, {}).identity, "");
  reports[0].plan.replica = reports[1].plan.replica = {};
  EXPECT_EQ(WrongParts(reports), "") << "runs of their own";
}

TEST(MergeReportsTest, RunsOfTheirOwnAddTheirRates) {
  const std::vector<Report> reports{Of(Record(10, 1, 0)), Of(Record(10, 1, 0))};
  EXPECT_EQ(MergeReports(reports, {}).plan.arrivals.rate, 300);
}

TEST(MergeReportsTest, WhatIsCountedOfAUrlStaysWithIt) {
  std::vector<Report> reports{Of(Record(10, 1, 0)), Of(Record(20, 1, 0))};
  reports[1].plan.targets = {{.url = "http://other/"}, {.url = "http://h/"}};
  reports[1].run.tally.targets.At(1) = {.sent = 5};
  const auto merged = MergeReports(reports, {});
  EXPECT_EQ(UrlsOf(merged.plan), (std::vector<std::string>{"http://h/", "http://other/"}));
  EXPECT_EQ(merged.run.tally.targets.of(0).sent, 15u);
  EXPECT_EQ(merged.run.tally.targets.of(1).sent, 20u);
}

TEST(MergeReportsTest, IsInvalidIfOneIs) {
  std::vector<Report> reports{Of(Record(10, 1, 0)), Of(Record(10, 1, 0))};
  reports[1].self = {.bottleneck = "cpu", .valid = false, .reason = "too slow"};
  EXPECT_FALSE(MergeReports(reports, {}).self.valid);
  EXPECT_EQ(MergeReports(reports, {}).self.reason, "too slow");
}

TEST(SeriesJsonTest, TargetsComeBackWithTheirPhases) {
  IntervalSeries series;
  Interval interval{.sent = 3, .targets = {{.sent = 2, .completed = 2, .ok = 2}, {.sent = 1}}};
  interval.targets[0].phases[2] = {.count = 2, .sum = 25};
  series.Add(0, interval);
  const auto json = SeriesJson(series);
  const auto back = ReadSeries(nlohmann::json::parse(json.dump()));
  EXPECT_EQ(back.intervals().at(0).targets[0].phases, interval.targets[0].phases);
  EXPECT_EQ(SeriesJson(back)["rows"][0]["targets"][0]["phases"], json["rows"][0]["targets"][0]["phases"]);
}

}  // namespace
}  // namespace hydrapool::loadgen
