#include "loadgen/engine/h2/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/report/report.h"
#include "loadgen/testing/h2_server.h"
#include "loadgen/testing/run_plan.h"
#include "loadgen/testing/scripted_server.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr std::uint64_t kRequests = 60;

/// `streams` at a time on one connection.
Plan PlanFor(const std::string& url, int streams, std::uint64_t count = kRequests) {
  return {.targets = {{.url = url}},
          .arrivals = {.count = count},
          .wire = {.streams = streams, .extras = {.http2 = true}},
          .connections = 1};
}

std::string TextOf(const RunResult& result) {
  return ToText(MakeReport("h2", {.targets = {{.url = "u"}}}, result));
}

TEST(H2EngineTest, RequestsShareAConnection) {
  H2Server server({.gathered = 10});
  const auto result = RunPlan("auto", PlanFor(server.Url("/gather"), 10));
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), kRequests) << TextOf(result);
  EXPECT_EQ(server.Connections(), 1);
  EXPECT_EQ(server.MostAtOnce(), 10u);
  EXPECT_EQ(result.tally.connections.http2, 1u);
  EXPECT_EQ(result.tally.connections.http1, 0u);
  EXPECT_EQ(result.tally.status.at(200), kRequests);
}

TEST(H2EngineTest, TheServerSaysHowManyAtATime) {
  H2Server server({.streams = 3, .gathered = 3});
  const auto result = RunPlan("auto", PlanFor(server.Url("/gather"), 10));
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), kRequests) << TextOf(result);
  EXPECT_EQ(server.MostAtOnce(), 3u);
}

struct Case {
  const char* path;
  Outcome outcome;
};

class H2OutcomeTest : public ::testing::TestWithParam<Case> {};

/// Of two requests one after the other, and of one where several may be under way.
TEST_P(H2OutcomeTest, EachWayToEndHasItsName) {
  const auto& want = GetParam();
  for (const int streams : {1, 10}) {
    const std::uint64_t count = streams == 1 ? 2 : 1;
    H2Server server;
    auto plan = PlanFor(server.Url(want.path), streams, count);
    if (std::string_view(want.path).starts_with("/stall")) plan.wire.timeout = 500 * sys::kMillisecond;
    const auto result = RunPlan("auto", plan);
    EXPECT_EQ(result.tally.outcomes.of(want.outcome), count) << TextOf(result);
    EXPECT_EQ(server.Received(want.path), static_cast<int>(count));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, H2OutcomeTest,
    ::testing::Values(Case{"/ok", Outcome::kOk}, Case{"/no-body", Outcome::kOk}, Case{"/big", Outcome::kOk},
                      Case{"/500", Outcome::kBadStatus}, Case{"/reset", Outcome::kStreamReset},
                      Case{"/reset-in-body", Outcome::kStreamReset},
                      Case{"/refused", Outcome::kStreamRefused}, Case{"/goaway", Outcome::kStreamRefused},
                      Case{"/goaway-after", Outcome::kOk}, Case{"/close", Outcome::kResetBeforeResponse},
                      Case{"/close-in-body", Outcome::kTruncated}, Case{"/short", Outcome::kMalformed},
                      Case{"/stall", Outcome::kTimeoutFirstByte}, Case{"/stall-body", Outcome::kTimeoutBody},
                      Case{"/http1", Outcome::kMalformed}),
    [](const auto& test) {
      std::string name = test.param.path + 1;
      std::erase(name, '-');
      return name;
    });

TEST(H2EngineTest, AStreamThatIsResetHarmsNoOther) {
  H2Server server;
  auto plan = PlanFor(server.Url("/ok"), 10, 300);
  plan.targets.push_back({.url = server.Url("/reset")});
  plan.targets.push_back({.url = server.Url("/refused")});
  const auto result = RunPlan("auto", plan);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 100u) << TextOf(result);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kStreamReset), 100u);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kStreamRefused), 100u);
  EXPECT_EQ(server.Connections(), 1);
  EXPECT_THAT(std::string(result.tally.outcomes.explanation(Outcome::kStreamReset)),
              HasSubstr("INTERNAL_ERROR"));
}

TEST(H2EngineTest, AConnectionThatLeavesIsReplaced) {
  H2Server server;
  auto plan = PlanFor(server.Url("/ok"), 10, 300);
  plan.wire.reuse = 50;
  const auto result = RunPlan("auto", plan);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 300u) << TextOf(result);
  EXPECT_EQ(server.Connections(), 6);
  const auto& rows = result.tally.connections.addresses.rows();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ("http://" + rows[0].address + "/ok", server.Url("/ok"));
  EXPECT_EQ(rows[0].connected, 6u);
  EXPECT_EQ(rows[0].tried, 6u);
}

TEST(H2EngineTest, TheServersFlowControlIsKept) {
  H2Server server({.window = 1000});
  auto plan = PlanFor(server.Url("/length"), 4, 8);
  plan.targets[0].method = "POST";
  plan.targets[0].body = std::string(300'000, 'x');
  plan.expect.end = "300000\n";
  const auto result = RunPlan("auto", plan);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 8u) << TextOf(result);
}

TEST(H2EngineTest, AnAnswerBeforeTheBodyIsAnAnswer) {
  H2Server server({.window = 1000});
  auto plan = PlanFor(server.Url("/early"), 1, 5);
  plan.targets[0].method = "POST";
  plan.targets[0].body = std::string(300'000, 'x');
  EXPECT_EQ(RunPlan("auto", plan).tally.outcomes.of(Outcome::kOk), 5u);
}

TEST(H2EngineTest, FieldsAreThoseOfThePlan) {
  H2Server server;
  auto plan = PlanFor(server.Url("/{counter}"), 1, 3);
  plan.targets[0].headers = {"Host: hydra.test", "X-Id: n{counter}", "Accept:", "Connection: keep-alive"};
  plan.targets[0].user = "ann:secret";
  const auto result = RunPlan("auto", plan);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 3u) << TextOf(result);
  EXPECT_THAT(server.LastFields(),
              ::testing::UnorderedElementsAre(":method: GET", ":scheme: http", ":authority: hydra.test",
                                              ":path: /2", "user-agent: loadgen", "x-id: n2",
                                              "authorization: Basic YW5uOnNlY3JldA=="));
  EXPECT_EQ(result.tally.workers.size(), 1u);
}

TEST(H2EngineTest, AnOpenLoopQueuesForAStream) {
  H2Server server;
  auto plan = PlanFor(server.Url("/stall"), 2, 10);
  plan.arrivals.rate = 1000;
  plan.wire.timeout = 50 * sys::kMillisecond;
  const auto result = RunPlan("auto", plan);
  EXPECT_EQ(result.tally.sent, 10u);
  const auto& outcomes = result.tally.outcomes;
  EXPECT_EQ(outcomes.of(Outcome::kTimeoutFirstByte) + outcomes.of(Outcome::kTimeoutConnect), 10u)
      << TextOf(result);
  EXPECT_GT(result.tally.saturated, 0u);
}

TEST(H2EngineTest, AServerOfHttp1IsToldFromOne) {
  ScriptedServer server;
  auto plan = PlanFor(server.Url("/ok"), 2, 4);
  plan.wire.timeout = 100 * sys::kMillisecond;
  const auto result = RunPlan("auto", plan);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 0u);
  EXPECT_EQ(result.tally.outcomes.failed(), 4u) << TextOf(result);
}

}  // namespace
}  // namespace hydrapool::loadgen
