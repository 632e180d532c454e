#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <map>
#include <memory>
#include <string>

#include "loadgen/engine/endpoint.h"
#include "loadgen/engine/host_watch.h"
#include "loadgen/plan/scenario.h"
#include "loadgen/testing/full_listener.h"
#include "loadgen/testing/run_plan.h"
#include "loadgen/testing/scripted_server.h"
#include "pool/sys/socket.h"

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

/// Hosts, addresses and connections that are not as one would like them, both engines.
class EngineNetworkTest : public ::testing::TestWithParam<const char*> {};

/// How many connections each address of a server has got.
std::map<std::string, int> Connected(const RunResult& result) {
  std::map<std::string, int> connected;
  for (const auto& row : result.tally.connections.addresses.rows())
    connected[row.address] = static_cast<int>(row.connected);
  return connected;
}

std::string AddressOf(const ScriptedServer& server) { return fmt::format("127.0.0.1:{}", server.port()); }

INSTANTIATE_TEST_SUITE_P(Both, EngineNetworkTest, ::testing::Values("curl", "raw"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(EngineNetworkTest, EachHostHasConnectionsOfItsOwn) {
  const ScriptedServer a;
  const ScriptedServer b;
  const ScriptedServer c;
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = a.Url("/ok")}, {.url = b.Url("/ok")}, {.url = c.Url("/ok")}},
                           .arrivals = {.count = 600},
                           .connections = 4,
                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 600u);
  EXPECT_LE(result.tally.connections.opened, 12u);
  EXPECT_EQ(result.tally.connections.http1, result.tally.connections.opened);
  EXPECT_THAT(Connected(result), UnorderedElementsAre(Pair(AddressOf(a), Gt(0)), Pair(AddressOf(b), Gt(0)),
                                                      Pair(AddressOf(c), Gt(0))));
}

TEST_P(EngineNetworkTest, ASilentAddressIsPassedOver) {
  const ScriptedServer server;
  const FullListener silent("127.0.0.2", server.port());
  const auto port = std::to_string(server.port());
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = "http://multi.test:" + port + "/ok"}},
                           .arrivals = {.count = 6},
                           .wire = {.timeout = 60 * kSecond,
                                    .connect_timeout = 2 * kSecond,
                                    .resolve = {"multi.test:" + port + ":127.0.0.2,127.0.0.1"}},
                           .connections = 1,
                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 6u);
  EXPECT_THAT(Connected(result),
              UnorderedElementsAre(Pair("127.0.0.2:" + port, 0), Pair(AddressOf(server), 1)));
}

TEST_P(EngineNetworkTest, AnAddressThatRefusesIsPassedOver) {
  const ScriptedServer server;
  const auto port = std::to_string(server.port());
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = "http://multi.test:" + port + "/close-framed"}},
                           .arrivals = {.count = 6},
                           .wire = {.resolve = {"multi.test:" + port + ":127.0.0.2,127.0.0.1"}},
                           .connections = 1,
                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 6u);
  EXPECT_THAT(Connected(result),
              UnorderedElementsAre(Pair("127.0.0.2:" + port, 0), Pair(AddressOf(server), 6)));
}

TEST_P(EngineNetworkTest, ConnectionsComeFromTheAddressesInTurn) {
  const auto listener = sys::Listen("127.0.0.1:0");
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = "http://" + sys::LocalAddress(listener.get())}},
                           .arrivals = {.count = 4},
                           .wire = {.timeout = 500 * kMillisecond, .bind = {"127.0.0.2", "127.0.0.3"}},
                           .connections = 4,
                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTimeoutFirstByte), 4u);
  std::map<std::uint32_t, int> seen;
  for (int i = 0; i < 4; ++i) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const sys::UniqueFd fd(::accept(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size));
    ASSERT_TRUE(fd);
    ++seen[ntohl(peer.sin_addr.s_addr)];
  }
  EXPECT_THAT(seen, ::testing::ElementsAre(::testing::Pair(0x7f000002, 2), ::testing::Pair(0x7f000003, 2)));
}

TEST_P(EngineNetworkTest, ConnectingHasATimeoutOfItsOwn) {
  const FullListener silent;
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = silent.url()}},
                           .arrivals = {.count = 2},
                           .wire = {.timeout = 3600 * kSecond, .connect_timeout = 50 * kMillisecond},
                           .connections = 2,
                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTimeoutConnect), 2u);
}

/// In an open loop the schedule alone says when what failed at once is followed by the next request.
constexpr double kManyMore = 1e6;

TEST_P(EngineNetworkTest, WhatFailsAtOnceKeepsNobodyFromStopping) {
  const Plan plan{.targets = {{.url = "http://h/"}},
                  .arrivals = {.rate = kManyMore, .duration = 3600 * kSecond},
                  .wire = {.unix_socket = "/no/such/socket"},
                  .connections = 4};
  LoadRun run(plan, ChooseEngine(GetParam(), plan)->factory);
  run.Start();
  while (run.progress().ended() < 1000) std::this_thread::yield();
  run.Stop();
  const auto result = run.Wait();
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kUnreachable), result.tally.sent);
}

TEST_P(EngineNetworkTest, WhatFailsAtOnceKeepsNobodyFromBeingRead) {
  std::string gone;
  {
    const ScriptedServer server;
    gone = server.Url("/");
  }
  const ScriptedServer server;
  const Plan plan{.targets = {{.url = server.Url("/ok")}, {.url = gone, .weight = 50}},
                  .arrivals = {.rate = kManyMore, .duration = 3600 * kSecond},
                  .connections = 4};
  LoadRun run(plan, ChooseEngine(GetParam(), plan)->factory);
  run.Start();
  while (run.progress().of(Outcome::kOk) < 50) std::this_thread::yield();
  run.Stop();
  EXPECT_GE(run.Wait().tally.outcomes.of(Outcome::kOk), 50u);
}

TEST(EngineRestTest, InAClosedLoopAConnectionThatCouldNotBeMadeWaitsForTheNextTry) {
  const Plan raw{.targets = {{.url = "http://h/"}},
                 .arrivals = {.count = 41},
                 .wire = {.unix_socket = "/no/such/socket"},
                 .connections = 2};
  auto h2 = raw;
  h2.wire.extras.http2 = true;
  auto sessions = raw;
  sessions.scenario = std::make_shared<const Scenario>(
      Scenario{.requests = {{}}, .sessions = {{.name = "s", .steps = {{.index = 0}}}}});
  for (const auto& [engine, plan] :
       {std::pair("raw", raw), std::pair("curl", raw), std::pair("auto", h2), std::pair("raw", sessions)}) {
    const auto result = RunPlan(engine, plan);
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kUnreachable), 41u) << engine;
    EXPECT_GE(result.duration, 190 * kMillisecond) << engine << ": 20 tries of each after the first";
  }
}

TEST_P(EngineNetworkTest, ABodyWithoutAnEndEndsWithItsTimeout) {
  const ScriptedServer server;
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = server.Url("/endless-body")}, {.url = server.Url("/ok")}},
                           .arrivals = {.count = 4},
                           .wire = {.timeout = 2 * kSecond},
                           .expect = {.sha256 = std::string(64, '0')},
                           .connections = 2,
                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTimeoutBody), 2u);
}

TEST_P(EngineNetworkTest, AContentEncodingIsTakenOffWhereABodyIsExpected) {
  const ScriptedServer server;
  const auto result =
      RunPlan(GetParam(), {.targets = {{.url = server.Url("/gzip")}, {.url = server.Url("/ok")}},
                           .arrivals = {.count = 4},
                           .expect = {.length = 3, .end = "ok\n"},
                           .connections = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 4u);
}

TEST_P(EngineNetworkTest, ALargeBodyArrivesWhole) {
  const ScriptedServer server;
  std::string body;
  while (body.size() < 3'000'000) body += std::to_string(body.size()) + " ";
  for (const auto& text : {Body(body), Body::AsItIs(body + "{counter}")}) {
    const auto result =
        RunPlan(GetParam(), {.targets = {{.url = server.Url("/ok"), .method = "PUT", .body = text}},
                             .arrivals = {.count = 2},
                             .connections = 1});
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 2u);
    const auto request = server.LastRequest();
    EXPECT_EQ(std::string_view(request).substr(request.find("\r\n\r\n") + 4), text.text());
  }
}

/// What comes to /end, redirected by a status.
std::string AtTheEnd(const ScriptedServer& server, const std::string& status, const std::string& method) {
  const auto result = RunPlan("auto", {.targets = {{.url = server.Url("/" + status),
                                                    .method = method,
                                                    .body = method == "GET" ? Body() : "x=1"}},
                                       .arrivals = {.count = 2},
                                       .wire = {.extras = {.follow = true}},
                                       .connections = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 2u) << method << " " << status;
  EXPECT_EQ(server.Received("/" + status) % 2, 0);
  return server.LastRequest();
}

/// RFC 9110, section 15.4.
TEST(RedirectTest, TheMethodGoesWithItsBodyOrBecomesGet) {
  const ScriptedServer server;
  for (const auto* status : {"301", "302", "303", "307", "308"}) {
    for (const auto* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}) {
      const auto request = AtTheEnd(server, status, method);
      const bool moved = std::string(status) < "303" && std::string(method) == "POST";
      const bool head = std::string(method) == "HEAD";
      if (moved || (std::string(status) == "303" && !head) || std::string(method) == "GET") {
        EXPECT_THAT(request, StartsWith("GET /end ")) << method << " " << status;
        EXPECT_THAT(request, Not(HasSubstr("x=1")));
      } else {
        EXPECT_THAT(request, StartsWith(fmt::format("{} /end ", method))) << status;
        EXPECT_THAT(request, HasSubstr("\r\n\r\nx=1"));
      }
    }
  }
}

/// A name that moves to another server as soon as the first one has had ten requests.
class MovingHost final : public HostWatch {
 public:
  MovingHost(const ScriptedServer& from, const ScriptedServer& to) : from_(from), to_(to) {}
  [[nodiscard]] std::uint64_t version() const override { return from_.Received("/ok") < 10 ? 0 : 1; }
  [[nodiscard]] std::vector<Address> AddressesOf(const std::string&, const std::string&) const override {
    return ResolveHost("127.0.0.1", std::to_string(to_.port())).addresses;
  }

 private:
  const ScriptedServer& from_;
  const ScriptedServer& to_;
};

TEST(HostWatchTest, NewConnectionsLeadToNewAddresses) {
  const ScriptedServer old;
  const ScriptedServer moved;
  const MovingHost host(old, moved);
  const auto result = RunPlan("raw", {.targets = {{.url = old.Url("/ok")}},
                                      .arrivals = {.count = 40},
                                      .wire = {.keep_alive = false, .hosts = &host},
                                      .connections = 2});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 40u);
  EXPECT_GE(moved.Received("/ok"), 20);
  EXPECT_EQ(old.Received("/ok") + moved.Received("/ok"), 40);
}

TEST(HostWatchTest, AskingAgainDisturbsNobody) {
  for (const char* engine : {"raw", "curl"}) {
    const ScriptedServer server;
    const auto url = "http://localhost:" + std::to_string(server.port()) + "/ok";
    const auto result = RunPlan(engine, {.targets = {{.url = url}},
                                         .arrivals = {.count = 200},
                                         .wire = {.keep_alive = false, .resolve_every = sys::kMillisecond},
                                         .connections = 2});
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 200u) << engine;
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
