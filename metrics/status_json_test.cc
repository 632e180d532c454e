#include "metrics/status_json.h"

#include <gtest/gtest.h>

#include "pool/testing/json.h"

namespace hydrapool::metrics {
namespace {

constexpr StatusFacts kFacts{
    .pid = 4711, .version = "1.2.3", .dispatch = "lease", .balance = "least-busy", .now = 10 * sys::kSecond};

nlohmann::json Status(const hydrapool::Scoreboard& board) {
  return support::ParseJson(StatusJson(board, kFacts));
}

TEST(StatusJsonTest, SaysWhichPoolItIs) {
  const hydrapool::Scoreboard board(1);
  board.counts().started_at = 4 * sys::kSecond;
  const auto status = Status(board);
  EXPECT_EQ(status.at("schema"), 1);
  EXPECT_EQ(status.at("pid"), 4711);
  EXPECT_EQ(status.at("version"), "1.2.3");
  EXPECT_EQ(status.at("uptime_s"), 6.0);
  EXPECT_EQ(status.at("dispatch"), "lease");
  EXPECT_EQ(status.at("balance"), "least-busy");
}

TEST(StatusJsonTest, HasEachWorkerInItsSlot) {
  const hydrapool::Scoreboard board(2);
  hydrapool::WorkerSlot& slot = board.slot(1);
  slot.pid = 815;
  slot.incarnation = 3;
  board.life_of(1).state = hydrapool::WorkerState::kDraining;
  slot.leases = 20;
  board.life_of(1).busy = 4;
  board.life_of(1).program = 2;
  board.life_of(1).beat = 8 * sys::kSecond;
  board.life_of(1).ready_at = 7 * sys::kSecond;
  board.life_of(1).first_reply_at = 7500 * sys::kMillisecond;
  slot.replies[2].Add(100);
  slot.replies[4].Add(1);
  slot.last_exit = 256 + 9;
  const auto workers = Status(board).at("workers");
  ASSERT_EQ(workers.size(), 2u);
  EXPECT_EQ(workers[0],
            support::ParseJson(R"({"slot":0,"pid":0,"incarnation":0,"program":0,"state":"dead","leases":0,
                                                  "busy":0,"requests":0,"heartbeat_age_s":0,"ready_age_us":null,
                                                  "answered_age_us":null,"last_exit":null})"));
  EXPECT_EQ(workers[1], support::ParseJson(
                            R"({"slot":1,"pid":815,"incarnation":3,"program":2,"state":"draining","leases":20,
                                                  "busy":4,"requests":101,"heartbeat_age_s":2,"ready_age_us":3000000,
                                                  "answered_age_us":2500000,"last_exit":"SIGKILL"})"));
}

TEST(StatusJsonTest, SaysWhetherItIsReadyAndWhatItIsLimitedTo) {
  const hydrapool::Scoreboard board(1);
  board.signs().connections_limit = 150;
  board.signs().processes_limit = 7;
  board.signs().executing = 2;
  board.signs().oldest_begun_at = 4 * sys::kSecond;
  const auto status = Status(board);
  EXPECT_EQ(status.at("readiness"), "no live worker");
  EXPECT_EQ(status.at("connections_limit"), 150);
  EXPECT_EQ(status.at("cgi_limit"), 7);
  EXPECT_EQ(status.at("requests_in_execution"), 2);
  EXPECT_EQ(status.at("oldest_request_s"), 6.0);
}

TEST(StatusJsonTest, TellsAnExitFromASignalAndFromNoneYet) {
  const hydrapool::Scoreboard board(3);
  board.slot(0).incarnation = 1;
  board.slot(1).incarnation = 2;
  board.slot(2).incarnation = 2;
  board.slot(2).last_exit = 255;
  const auto workers = Status(board).at("workers");
  EXPECT_EQ(workers[0].at("last_exit"), nullptr);
  EXPECT_EQ(workers[1].at("last_exit"), "exit_0");
  EXPECT_EQ(workers[2].at("last_exit"), "exit_255");
}

TEST(StatusJsonTest, LeasesAddUp) {
  const hydrapool::Scoreboard board(2);
  board.counts().open_leases = 50;
  board.counts().unassigned = 5;
  board.life_of(0).busy = 3;
  board.life_of(1).busy = 4;
  EXPECT_EQ(Status(board).at("leases"),
            support::ParseJson(R"({"open":50,"idle":38,"busy":7,"unassigned":5})"));
}

TEST(StatusJsonTest, IdleNeverGoesBelowZeroWhileNumbersMove) {
  const hydrapool::Scoreboard board(1);
  board.counts().open_leases = 1;
  board.life_of(0).busy = 2;
  EXPECT_EQ(Status(board).at("leases").at("idle"), 0);
}

TEST(StatusJsonTest, TotalsAreOfAllSlotsPhasesAndCauses) {
  const hydrapool::Scoreboard board(2);
  hydrapool::PoolCounts& counts = board.counts();
  board.slot(0).replies[2].Add(10);
  board.slot(1).replies[5].Add(1);
  board.slot(1).executions_started.Add(3);
  counts.rescued[0].Add(2);
  counts.rescued[3].Add(5);
  counts.lost[1].Add(1);
  counts.cut.Add(3);
  board.slot(0).cut.Add(1);
  counts.abandoned.Add(6);
  counts.poison.Add(8);
  counts.unavailable.Add(9);
  counts.accepted.Add(77);
  counts.accept_errors.Add(12);
  counts.moved.Add(13);
  counts.address_refused.Add(15);
  counts.idle_closed.Add(14);
  counts.log_dropped.count = 15;
  counts.exits[0].Add(1);
  counts.exits[2].Add(30);
  EXPECT_EQ(Status(board).at("totals"),
            support::ParseJson(
                R"({"requests":11,"rescued":7,"rescued_in_flight":5,"lost":1,"cut":4,"abandoned":6,"poison":8,
                                      "unavailable":9,"accepted":77,"accept_errors":12,"address_refused":15,"idle_closed":14,"moved":13,"cgi_started":3,
                                      "exits":31,"log_dropped":15})"));
}

TEST(StatusJsonTest, TellsOfItsParents) {
  const hydrapool::Scoreboard board(2);
  board.counts().parent = 4712;
  board.counts().parents.Add(3);
  EXPECT_EQ(Status(board).at("parent"), support::ParseJson(R"({"pid":4712,"lives":3})"));
}

TEST(StatusJsonTest, DurationsHaveQuantilesOnceSomethingWasObserved) {
  const hydrapool::Scoreboard board(2);
  for (int i = 0; i < 4; ++i) board.counts().reap_seconds.Observe(2 * sys::kMillisecond);
  board.slot(0).request_seconds.Observe(0, 2, sys::kMillisecond);
  board.slot(1).request_seconds.Observe(0, 4, sys::kMillisecond);
  const auto durations = Status(board).at("durations_s");
  EXPECT_EQ(durations.at("reap").at("count"), 4);
  EXPECT_DOUBLE_EQ(durations.at("reap").at("p50"), 0.00175);
  EXPECT_EQ(durations.at("request").at("count"), 2);
  EXPECT_EQ(durations.at("recovery"), support::ParseJson(R"({"count":0,"p50":null,"p99":null})"));
  for (const auto name : {"respawn", "dispatch", "cgi_start"}) EXPECT_TRUE(durations.contains(name)) << name;
}

TEST(StatusJsonTest, SaysHowEvenlyWorkWasShared) {
  const hydrapool::Scoreboard board(4);
  EXPECT_EQ(Status(board).at("fairness").at("requests"), 1.0);
  board.slot(2).replies[2].Add(10);
  EXPECT_EQ(Status(board).at("fairness").at("requests"), 0.25);
}

}  // namespace
}  // namespace hydrapool::metrics
