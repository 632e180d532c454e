#include "harness/fault/pool_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PoolStatusTest, TakesLivingWorkersBySlotAndIgnoresTheRest) {
  const auto status = ParsePoolStatus(R"({"schema":1, "pid":100, "version":"x", "workers":[
      {"slot":1, "pid":102, "incarnation":3, "state":"ready", "leases":4, "busy":2, "requests":9, "last_exit":"SIGKILL"},
      {"slot":0, "pid":101, "state":"draining", "leases":1, "busy":0},
      {"slot":2, "pid":103, "state":"dead"},
      {"slot":3, "pid":0, "state":"starting"}]})");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->parent, 100);
  EXPECT_THAT(status->workers,
              ElementsAre(PoolStatus::Worker{.slot = 0, .pid = 101, .busy = 0, .leases = 1, .draining = true},
                          PoolStatus::Worker{.slot = 1,
                                             .pid = 102,
                                             .incarnation = 3,
                                             .busy = 2,
                                             .leases = 4,
                                             .ready = true,
                                             .requests = 9}));
}

TEST(PoolStatusTest, TakesWhenAWorkerWasReadyAndHadAnsweredWhereItIsSaid) {
  const auto of = [](const std::string& members) {
    return ParsePoolStatus(R"({"schema":1, "pid":100, "workers":[{"slot":0, "pid":1, "state":"ready")" +
                           members + "}]}");
  };
  const auto both = of(R"(, "ready_age_us":2500, "answered_age_us":0)");
  EXPECT_EQ(both->workers[0].ready_age, 2500 * sys::kMicrosecond);
  EXPECT_EQ(both->workers[0].answered_age, 0);
  EXPECT_TRUE(both->TellsAges());
  const auto not_yet = of(R"(, "ready_age_us":2500, "answered_age_us":null)");
  EXPECT_FALSE(not_yet->workers[0].answered_age);
  EXPECT_TRUE(not_yet->TellsAges());
  EXPECT_FALSE(of("")->TellsAges());
}

TEST(PoolStatusTest, TakesThePoolsOwnAccountWhereThereIsOne) {
  const auto status = ParsePoolStatus(R"({"schema":1, "pid":100, "workers":[], "totals":
      {"requests":9, "rescued":48, "rescued_in_flight":32, "lost":3, "cut":4, "other":8}})");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->totals,
            (PoolStatus::Totals{.rescued = 48, .rescued_in_flight = 32, .lost = 3, .cut = 4, .requests = 9}));
  EXPECT_FALSE(ParsePoolStatus(R"({"schema":1, "pid":100, "workers":[]})")->totals);
  EXPECT_FALSE(ParsePoolStatus(R"({"schema":1, "pid":100, "workers":[], "totals":{"lost":"x"}})"));
}

TEST(PoolStatusTest, WhatHasTheSameNamesElsewhereIsAnother) {
  const auto status =
      ParsePoolStatus(R"({"schema":1, "deep":{"pid":"x", "totals":{"lost":"x"}, "workers":[{"pid":7}],
      "list":[1, {"schema":2}, [{"slot":null}]]}, "pid":100, "parent":{"lives":3, "pid":99, "more":{"pid":5}},
      "workers":[{"slot":0, "more":{"slot":9, "state":"dead"}, "pid":101, "state":"ready"}], "pids":[8]})");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->main, 100);
  EXPECT_EQ(status->parent, 99);
  EXPECT_FALSE(status->totals);
  EXPECT_THAT(status->workers, ElementsAre(PoolStatus::Worker{.slot = 0, .pid = 101, .ready = true}));
}

TEST(PoolStatusTest, EscapesBlanksAndFractionsAreJsonToo) {
  const auto status = ParsePoolStatus(
      "\t{ \"a\\\"b\" : \"\\\\\" , \"schema\":1.0,\r\n\"pid\" : 7 , \"n\":-1.5e3, \"empty\":[ ], \"none\":{ "
      "},"
      "\"workers\" : [ { \"slot\" : 0 , \"pid\":8e0, \"state\":null } ] }\n");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->main, 7);
  EXPECT_THAT(status->workers, ElementsAre(PoolStatus::Worker{.slot = 0, .pid = 8}));
}

TEST(LivingProcessesTest, WhoIsKnownIsNotReadAgain) {
  constexpr pid_t kNobody = 5 << 20;  // above the largest number that Linux gives
  const PoolStatus status{.main = kNobody,
                          .parent = kNobody + 1,
                          .workers = {{.slot = 0, .pid = kNobody + 2}, {.slot = 1, .pid = kNobody + 3}}};
  const ServerProcesses unknown = LivingProcesses(status);
  EXPECT_TRUE(!unknown.supervisor && !unknown.parent && unknown.workers.empty());
  const std::vector<Identity> known{{kNobody, 1}, {kNobody + 1, 2}, {kNobody + 2, 3}};
  const ServerProcesses server = LivingProcesses(status, known);
  EXPECT_EQ(server.supervisor.value().identity, known[0]);
  EXPECT_EQ(server.parent.value().identity, known[1]);
  ASSERT_EQ(server.workers.size(), 1u);
  EXPECT_EQ(server.workers[0].identity, known[2]);
}

TEST(PoolStatusTest, SaysWhatIsWrongWithOtherJson) {
  for (const char* text :
       {"", "<html>", "[]", R"({"schema":1})", R"({"schema":1,"pid":"x","workers":[]})",
        R"({"schema":1,"pid":null,"workers":[]})", R"({"schema":1,"pid":99999999999999999999,"workers":[]})",
        R"({"schema":1,"pid":1,"workers":[{"slot":0,"pid":2})", R"({"schema":1,"pid":1,"workers":[],})",
        R"({"schema":1,"pid":1,"workers":[]}})", R"({"schema":1 "pid":1,"workers":[]})",
        R"({"schema":1,"pid":1,"workers":[],"x":)", R"({"schema":1,"pid":1,"workers":[],"x":"y)"}) {
    EXPECT_FALSE(ParsePoolStatus(text)) << text;
  }
  EXPECT_FALSE(ParsePoolStatus(R"({"schema":1,"pid":1,"workers":[],"x":)" + std::string(1'000'000, '[')));
  EXPECT_THAT(ParsePoolStatus(R"({"schema":2,"pid":1,"workers":[]})").error().message, HasSubstr("schema 2"));
}

}  // namespace
}  // namespace hydrapool::harness
