#include "harness/fault/inject_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/testing/json.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;

InjectRecord Death(sys::Nanos dead) {
  return {.id = 3,
          .at = 750 * sys::kMillisecond + 250 * sys::kMicrosecond,
          .unix_ms = 1700000000123,
          .worker = ProcessView{.identity = {.pid = 42, .start_time = 99}, .slot = 1},
          .dead = dead,
          .outcome = Outcome::kDead,
          .proof = Proof::kConfirmed};
}

TEST(InjectRecordTest, ADeathIsOneLineOfJson) {
  EXPECT_EQ(
      ToJson(Death(310 * sys::kMicrosecond)),
      R"({"id":3,"t_ms":750.25,"unix_ms":1700000000123,"fault":"kill","target":"random","draw":0,"role":"worker","slot":1,"pid":42,)"
      R"("start_time":99,"dead_us":310,"outcome":"dead","proof":"confirmed"})");
}

TEST(InjectRecordTest, AMissHasAReasonAndNoWorkerWhereNoneWasThere) {
  const auto json = support::ParseJson(ToJson(InjectRecord{.id = 1, .reason = "no worker was there"}));
  EXPECT_EQ(json.at("outcome"), "missed");
  EXPECT_EQ(json.at("reason"), "no worker was there");
  EXPECT_FALSE(json.contains("pid"));
  EXPECT_FALSE(json.contains("dead_us"));
}

TEST(InjectRecordTest, TellsHowManyConnectionsItHasEnded) {
  const auto json = support::ParseJson(
      ToJson(InjectRecord{.id = 1, .fault = Fault::kNetwork, .ended_ports = {40112, 40113}}));
  EXPECT_EQ(json.at("connections"), 2);
  EXPECT_FALSE(support::ParseJson(ToJson(InjectRecord{.id = 1})).contains("connections"));
}

TEST(InjectSummaryTest, AReplayIsNoSchedule) {
  InjectSummary summary;
  summary.listed = 8;
  summary.parent = 4711;
  EXPECT_EQ(SummaryText(summary).substr(0, 50), "replay   8 faults of a journal, children of 4711\nf");
}

TEST(InjectSummaryTest, CountsEachOutcomeOnce) {
  InjectSummary summary;
  summary.Add(Death(sys::kMillisecond));
  summary.Add(Death(3 * sys::kMillisecond));
  summary.Add({.outcome = Outcome::kAlive});
  summary.Add({.outcome = Outcome::kMissed, .reason = "pid 7 is gone"});
  summary.Add({.outcome = Outcome::kDelivered, .proof = Proof::kMismatched, .reason = "it ignores SIGHUP"});
  EXPECT_EQ(summary.sent, 4u);
  EXPECT_EQ(summary.landed, 2u);
  EXPECT_EQ(summary.survived, 1u);
  EXPECT_EQ(summary.missed, 1u);
  EXPECT_THAT(SummaryText(summary), HasSubstr("4 sent, 2 landed, 1 missed, 1 survived"));
  EXPECT_THAT(SummaryText(summary), HasSubstr("p50 1.00 ms, p99 3.00 ms"));
  EXPECT_EQ(support::ParseJson(SummaryJson(summary)).at("dead_us").at("p99"), 3000);
}

TEST(PercentileTest, IsTheNearestRank) {
  EXPECT_EQ(Percentile({}, 50), std::nullopt);
  EXPECT_EQ(Percentile({5}, 1), 5);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 50), 2);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 75), 3);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 100), 4);
}

}  // namespace
}  // namespace hydrapool::harness
