#include "harness/observe/pool_fates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;

TEST(ParsePoolFatesTest, TakesThoseThatHaveAPort) {
  const auto fates = ParsePoolFates(R"({"schema":1,"pid":1,"total":4,"fates":[
    {"at_ns":17,"peer":"127.0.0.1:40112","slot":2,"pid":99,"phase":"executing","fate":"lost"},
    {"at_ns":18,"peer":"[::1]:40113","slot":null,"pid":null,"phase":"idle","fate":"unavailable"},
    {"at_ns":19,"peer":"unix:","slot":1,"pid":98,"phase":"reading","fate":"cut"},
    {"at_ns":20,"peer":"?","slot":1,"pid":98,"phase":"reading","fate":"cut"}]})");
  ASSERT_TRUE(fates) << fates.error().message;
  ASSERT_EQ(fates->fates.size(), 2u);
  EXPECT_EQ(fates->fates[0],
            (PoolFate{.at = 17, .port = 40112, .pid = 99, .phase = "executing", .fate = "lost"}));
  EXPECT_EQ(fates->fates[1].port, 40113);
  EXPECT_EQ(fates->fates[1].pid, std::nullopt);
  EXPECT_EQ(fates->complete_since, 0);
}

TEST(ParsePoolFatesTest, SaysSinceWhenNothingIsForgotten) {
  const auto fates = ParsePoolFates(R"({"schema":1,"total":9,"fates":[
    {"at_ns":17,"peer":"h:1","slot":2,"pid":99,"phase":"idle","fate":"lost"}]})");
  ASSERT_TRUE(fates);
  EXPECT_EQ(fates->complete_since, 17);
}

TEST(ParsePoolFatesTest, WhatIsNoJournalIsAnError) {
  EXPECT_THAT(ParsePoolFates("404").error().message, HasSubstr("fates.json"));
  EXPECT_THAT(ParsePoolFates(R"({"schema":2})").error().message, HasSubstr("schema 2"));
}

TEST(WasInPhaseTest, GoesByTheConnectionsOfTheWorkerThatDied) {
  const auto fate = [](sys::Nanos at, pid_t pid, const char* phase) {
    return PoolFate{.at = at, .port = 1, .pid = pid, .phase = phase, .fate = "rescued"};
  };
  const PoolFates fates{.fates = {fate(20, 9, "idle"), fate(20, 9, "executing"), fate(30, 8, "idle")},
                        .complete_since = 15};
  EXPECT_EQ(WasInPhase(fates, 9, 19, Phase::kExecuting), true);
  EXPECT_EQ(WasInPhase(fates, 9, 19, Phase::kReading), false);
  EXPECT_EQ(WasInPhase(fates, 9, 19, Phase::kIdle), false) << "it executed one";
  EXPECT_EQ(WasInPhase(fates, 8, 19, Phase::kIdle), true);
  EXPECT_EQ(WasInPhase(fates, 7, 19, Phase::kIdle), true) << "it had no connection";
  EXPECT_EQ(WasInPhase(fates, 9, 21, Phase::kExecuting), false) << "another's death";
  EXPECT_EQ(WasInPhase(fates, 9, 14, Phase::kExecuting), std::nullopt) << "forgotten";
}

}  // namespace
}  // namespace hydrapool::harness
