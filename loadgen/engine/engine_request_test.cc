#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "loadgen/testing/run_plan.h"
#include "loadgen/testing/scripted_server.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kOfOk = "dc51b8c96c2d745df3bd5590d990230a482fd247123599548e0632fdbf97fc22";

/// What a request says and what its response must be, both engines.
class EngineRequestTest : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Both, EngineRequestTest, ::testing::Values("curl", "raw"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(EngineRequestTest, HeadersAndBodiesDifferFromRequestToRequest) {
  const ScriptedServer server;
  const Plan plan{.targets = {{.url = server.Url("/{line:users}"),
                               .headers = {"X-Id: {counter}-{random}"},
                               .body = "n={counter}&u={line:users}"}},
                  .lines = {{"users", std::make_shared<const Lines>(Lines{"ann", "bob", "eveline"})}},
                  .arrivals = {.count = 12},
                  .connections = 1,
                  .threads = 1};
  RunPlan(GetParam(), plan);
  for (const auto* path : {"/ann", "/bob", "/eveline"}) EXPECT_EQ(server.Received(path), 4) << path;
  EXPECT_THAT(server.LastRequest(), HasSubstr("X-Id: 11-"));
  EXPECT_THAT(server.LastRequest(), HasSubstr("Content-Length: 14\r\n"));
  EXPECT_THAT(server.LastRequest(), HasSubstr("\r\n\r\nn=11&u=eveline"));
}

TEST_P(EngineRequestTest, LinesKeepTheirDots) {
  const ScriptedServer server;
  RunPlan(GetParam(), {.targets = {{.url = server.Url("/a{line:paths}?b")}},
                       .lines = {{"paths", std::make_shared<const Lines>(Lines{"/../c/./d"})}},
                       .arrivals = {.count = 1},
                       .connections = 1});
  EXPECT_THAT(server.LastRequest(), StartsWith("GET /a/../c/./d?b HTTP/1.1\r\n"));
}

TEST_P(EngineRequestTest, EachUrlMayHaveARequestOfItsOwn) {
  const ScriptedServer server;
  RunPlan(GetParam(),
          {.targets = {{.url = server.Url("/a"), .method = "PUT", .headers = {"X-A: 1"}, .body = "abc"},
                       {.url = server.Url("/b"), .method = "HEAD"},
                       {.url = server.Url("/c"), .method = "DELETE", .headers = {"X-C: 3"}}},
           .arrivals = {.count = 6},
           .connections = 1,
           .threads = 1});
  EXPECT_EQ(server.Received("/b"), 2);
  EXPECT_THAT(server.LastRequest(), HasSubstr("DELETE /c HTTP/1.1\r\n"));
  EXPECT_THAT(server.LastRequest(), HasSubstr("X-C: 3\r\n"));
  EXPECT_THAT(server.LastRequest(), Not(HasSubstr("X-A")));
  EXPECT_THAT(server.LastRequest(), Not(HasSubstr("Content-Length")));
  EXPECT_EQ(server.Connections(), 1);
}

TEST_P(EngineRequestTest, TheFirstResponseOfEachUnexpectedStatusIsKept) {
  const ScriptedServer server;
  const auto result = RunPlan(GetParam(), {.targets = {{.url = server.Url("/500")},
                                                       {.url = server.Url("/chunked")},
                                                       {.url = server.Url("/early-hints")},
                                                       {.url = server.Url("/303")}},
                                           .arrivals = {.count = 24},
                                           .expect = {.status = {303}},
                                           .connections = 2,
                                           .threads = 2});
  const auto& first = result.tally.first_responses;
  ASSERT_EQ(first.size(), 2u);
  EXPECT_THAT(first.at(500).head, StartsWith("HTTP/1.1 500 Sorry\r\nX-Worker: 3.7\r\n"));
  EXPECT_EQ(first.at(500).body, "");
  EXPECT_THAT(first.at(200).head, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(first.at(200).body, AllOf(Not(IsEmpty()), Not(HasSubstr("\r\n"))));
}

TEST_P(EngineRequestTest, AConnectionIsUsedAsOftenAsThePlanSays) {
  const ScriptedServer server;
  const auto result = RunPlan(GetParam(), {.targets = {{.url = server.Url("/ok")}},
                                           .arrivals = {.count = 40},
                                           .wire = {.reuse = 4},
                                           .connections = 2,
                                           .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 40u);
  EXPECT_GE(server.Connections(), 10);
  EXPECT_LE(server.Connections(), 11);
}

TEST_P(EngineRequestTest, TheBodysSumAndEndAreChecked) {
  const ScriptedServer server;
  const auto ok_of = [&](Plan plan) {
    for (const auto* path : {"/ok", "/chunked", "/slow", "/big"})
      plan.targets.push_back({.url = server.Url(path)});
    plan.connections = plan.threads = 1;
    plan.arrivals.count = 8;
    const auto result = RunPlan(GetParam(), plan);
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk) + result.tally.outcomes.of(Outcome::kWrongBody), 8u);
    return result.tally.outcomes.of(Outcome::kOk);
  };
  EXPECT_EQ(ok_of({.expect = {.sha256 = kOfOk}}), 6u);
  EXPECT_EQ(ok_of({.expect = {.end = "k\n"}}), 6u);
  EXPECT_EQ(ok_of({.expect = {.end = "xx"}}), 2u);
  EXPECT_EQ(ok_of({.expect = {.sha256 = kOfOk, .end = "x"}}), 0u);
}

RunResult RunExtras(const ScriptedServer& server, const char* path, const Extras& extras) {
  return RunPlan("auto", {.targets = {{.url = server.Url(path)}},
                          .arrivals = {.count = 4},
                          .wire = {.extras = extras},
                          .connections = 1,
                          .threads = 1});
}

TEST(CurlExtrasTest, RedirectsBelongToTheirRequest) {
  const ScriptedServer server;
  const auto result = RunExtras(server, "/move", {.follow = true});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 4u);
  EXPECT_EQ(result.tally.status.at(200), 4u);
  EXPECT_EQ(server.Received("/move"), 4);
  EXPECT_EQ(server.Received("/ok"), 4);
  EXPECT_EQ(server.Connections(), 1);
}

TEST(CurlExtrasTest, AByteRateHoldsForEachBody) {
  const ScriptedServer server;
  const auto result = RunPlan("auto", {.targets = {{.url = server.Url("/big")}},
                                       .arrivals = {.count = 1},
                                       .wire = {.extras = {.limit_rate = 1'000'000}},
                                       .connections = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 1u);
  EXPECT_GE(result.tally.latency.service.max(), 290'000) << "300 kB at 1 MB a second";
}

TEST(CurlExtrasTest, AByteRateHoldsForUploadsFromTheirFirstByte) {
  const ScriptedServer server;
  for (const auto& [path, twice] : {std::pair("/ok", false), std::pair("/307", true)}) {
    const auto result = RunPlan(
        "auto", {.targets = {{.url = server.Url(path), .method = "PUT", .body = std::string(10'000, 'x')}},
                 .arrivals = {.count = 2},
                 .wire = {.extras = {.follow = true, .limit_rate = 50'000}},
                 .connections = 1});
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 2u) << path;
    const auto least = result.tally.latency.service.ValueAtPercentile(1);
    EXPECT_GE(least, twice ? 399'000 : 199'000) << "10 kB at 50 kB a second, over a redirect twice";
    EXPECT_THAT(server.LastRequest(), ::testing::EndsWith("\r\n\r\n" + std::string(10'000, 'x')));
  }
}

TEST(CurlExtrasTest, CookiesAreKeptByTheirConnection) {
  const ScriptedServer server;
  RunExtras(server, "/cookie", {.http2 = false});
  EXPECT_THAT(server.LastRequest(), Not(HasSubstr("Cookie:")));
  RunExtras(server, "/cookie", {.cookies = true});
  EXPECT_THAT(server.LastRequest(), HasSubstr("Cookie: id=7\r\n"));
}

TEST(CurlExtrasTest, DigestAnswersTheFirstRefusal) {
  for (const bool keep_alive : {true, false}) {
    const ScriptedServer server;
    const auto result =
        RunPlan("auto", {.targets = {{.url = server.Url("/digest")}},
                         .arrivals = {.count = 4},
                         .wire = {.keep_alive = keep_alive, .extras = {.user = "ann:secret", .digest = true}},
                         .connections = 1,
                         .threads = 1});
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 4u);
    EXPECT_EQ(server.Received("/digest"), 5) << "later ones know what the server asks for";
    EXPECT_THAT(server.LastRequest(), HasSubstr("Authorization: Digest username=\"ann\""));
  }
  const ScriptedServer server;
  const auto refused = RunExtras(server, "/digest", {.user = "ann:secret"});
  EXPECT_EQ(refused.tally.status.at(401), 4u);
}

TEST(CurlExtrasTest, EachUrlMayHaveCredentialsOfItsOwn) {
  const ScriptedServer server;
  const auto result = RunPlan(
      "auto", {.targets = {{.url = server.Url("/basic"), .user = "ann:secret"}, {.url = server.Url("/ok")}},
               .arrivals = {.count = 4},
               .connections = 1,
               .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 4u);
  EXPECT_THAT(server.LastRequest(), HasSubstr("GET /ok "));
  EXPECT_THAT(server.LastRequest(), Not(HasSubstr("Authorization")));
}

TEST(CurlExtrasTest, CredentialsAndProxies) {
  const ScriptedServer server;
  RunExtras(server, "/ok", {.user = "ann:secret"});
  EXPECT_THAT(server.LastRequest(), HasSubstr("Authorization: Basic YW5uOnNlY3JldA==\r\n"));
  const auto result = RunPlan("auto", {.targets = {{.url = "http://no-such-host.invalid/ok"}},
                                       .arrivals = {.count = 2},
                                       .wire = {.extras = {.proxy = server.Url("")}},
                                       .connections = 1,
                                       .threads = 1});
  EXPECT_EQ(result.tally.sent, 2u);
  EXPECT_THAT(server.LastRequest(), HasSubstr("GET http://no-such-host.invalid/ok HTTP/1.1\r\n"));
}

}  // namespace
}  // namespace hydrapool::loadgen
