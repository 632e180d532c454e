#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <thread>
#include <vector>

#include "loadgen/testing/program.h"
#include "loadgen/testing/scripted_server.h"
#include "loadgen/testing/token_server.h"
#include "pool/testing/json.h"

/// `loadgen --session-file` as a user calls it.
namespace hydrapool::loadgen {
namespace {

using support::ParseJson;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kShop = R"yaml(
steps:
  - name: login
    request: POST /login
    body: '{"user": "u{counter}"}'
    extract:
      token: {json: /token}
      sid: {cookie: sid}
      id: {header: X-Id}
  - think: 1ms
  - request: GET /page
    extract: {token: {regex: 'value="([^"]+)"'}}
  - repeat: 2
    steps:
      - name: pay
        request: GET /pay
        headers: {Authorization: "Bearer {token}", Cookie: "sid={sid}"}
        check: {status: 200, json: {/paid: true}}
)yaml";

/// Runs it with a report; the exit code beside it.
nlohmann::json RunSessions(const std::string& sessions, std::vector<std::string> args, int* code = nullptr) {
  const ScratchFile file("sessions.yaml");
  file.Write(sessions);
  args.insert(args.end(), {"-q", "--session-file", file.path(), "--json", "-"});
  Program program(std::move(args));
  const int ended = program.Wait();
  if (code != nullptr) *code = ended;
  auto json = ParseJson(program.Out());
  EXPECT_FALSE(json.is_discarded()) << program.Err();
  return json;
}

TEST(SessionTest, ValuesOfAnswersAreSentInLaterRequests) {
  const TokenServer server;
  const auto json = RunSessions(kShop, {"-n", "40", "-c", "5", server.url()});
  EXPECT_EQ(json["sessions"]["begun"], 40);
  EXPECT_EQ(json["sessions"]["complete"], 40);
  EXPECT_EQ(json["requests"]["ok"], 160);
  EXPECT_EQ(json["requests"]["scheduled"], 160);
  EXPECT_EQ(json["requests"]["unsent"], 0);
  EXPECT_EQ(server.refused(), 0);
  EXPECT_EQ(server.received("/pay"), 80);
  EXPECT_EQ(json["targets"][2]["name"], "pay");
  EXPECT_EQ(json["targets"][2]["ok"], 80);
  EXPECT_GE(json["sessions"]["took_us"]["min"], 1000);
}

TEST(SessionTest, SessionsArriveByTheSchedule) {
  const TokenServer server;
  const auto json = RunSessions(kShop, {"-R", "200", "-n", "60", "-c", "20", server.url()});
  EXPECT_EQ(json["sessions"]["complete"], 60);
  EXPECT_EQ(json["requests"]["ok"], 240);
  EXPECT_EQ(server.refused(), 0);
}

TEST(SessionTest, RequestsMayArriveByTheScheduleInstead) {
  const TokenServer server;
  const auto json = RunSessions("arrivals: requests" + std::string(kShop),
                                {"-R", "400", "-n", "80", "-c", "8", server.url()});
  EXPECT_EQ(json["requests"]["scheduled"], 80);
  EXPECT_EQ(json["requests"]["ok"], 80);
  EXPECT_EQ(server.refused(), 0);
  EXPECT_EQ(json["sessions"]["begun"].get<int>(),
            json["sessions"]["complete"].get<int>() + json["sessions"]["cut"].get<int>());
}

TEST(SessionTest, ASessionEndsAtTheFirstAnswerThatIsNotOk) {
  const TokenServer server;
  const auto json = RunSessions(R"(
steps:
  - request: GET /page
    extract: {token: {json: /token}}
  - request: GET /pay
    headers: {Authorization: "Bearer {token}"}
)",
                                {"-n", "3", "-c", "1", server.url()});
  EXPECT_EQ(json["sessions"]["failed"], 3);
  EXPECT_EQ(json["errors"]["wrong_body"], 3);
  EXPECT_EQ(json["error_details"]["wrong_body"], "GET /page: no JSON at /token");
  EXPECT_EQ(server.received("/pay"), 0);
}

TEST(SessionTest, StepsHaveObjectivesAndChecksOfTheirOwn) {
  const ScriptedServer server;
  int code = 0;
  const auto json = RunSessions(
      "steps:\n  - {name: home, request: /ok}\n  - {name: sorry, request: /500, check: {status: 500}}\n"
      "  - {name: broken, request: /500}\n",
      {"-n", "4", "--slo", "home: errors<=0", "sorry: errors<=0", "broken: errors<=0", server.Url("/")},
      &code);
  EXPECT_EQ(code, 99);
  EXPECT_EQ(json["slo"][0]["met"], true);
  EXPECT_EQ(json["slo"][1]["met"], true) << "its check expects that status";
  EXPECT_EQ(json["slo"][2]["met"], false);
  EXPECT_THAT(json["first_responses"]["500"]["head"].get<std::string>(),
              StartsWith("HTTP/1.1 500 Sorry\r\n"));
}

TEST(SessionTest, AStatusThatAStepExpectsIsNotShownAsBad) {
  const ScriptedServer server;
  const auto json = RunSessions("steps:\n  - {name: sorry, request: /500, check: {status: 500}}\n",
                                {"-n", "2", server.Url("/")});
  EXPECT_EQ(json["requests"]["ok"], 2);
  EXPECT_FALSE(json.contains("first_responses") && json["first_responses"].contains("500"));
}

TEST(SessionTest, WhereRequestsArriveSessionsBeginByWeight) {
  const ScriptedServer server;
  const auto json = RunSessions(
      "arrivals: requests\nsessions:\n"
      "  - {name: two, steps: [{name: a, request: /ok}, {name: b, request: /ok}]}\n"
      "  - {name: one, steps: [{name: c, request: /500, check: {status: 500}}]}\n",
      {"-n", "30", "-c", "1", server.Url("/")});
  EXPECT_EQ(json["requests"]["ok"], 30);
  EXPECT_EQ(server.Received("/ok"), 20);
  EXPECT_EQ(server.Received("/500"), 10);
}

TEST(SessionTest, TheEndOfTheRunCutsThem) {
  const TokenServer server;
  const ScratchFile file("sessions.yaml");
  file.Write("steps:\n  - request: GET /page\n  - think: 1h\n  - request: GET /page\n");
  Program program({"-q", "-d", "10m", "-c", "2", "--json", "-", "--session-file", file.path(), server.url()});
  while (server.received("/page") < 2) std::this_thread::yield();
  program.Signal(SIGINT);
  EXPECT_EQ(program.Wait(), 0);
  const auto json = ParseJson(program.Out());
  EXPECT_EQ(json["sessions"]["cut"], 2);
  EXPECT_EQ(json["requests"]["ok"], 2);
  EXPECT_EQ(json["requests"]["unsent"], 0);
}

TEST(SessionTest, OnceIsOneWholeSession) {
  const TokenServer server;
  const ScratchFile file("sessions.yaml");
  file.Write(kShop);
  Program program({"--once", "--session-file", file.path(), server.url()});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.Out(), HasSubstr("\n{\"user\": \"u0\"}\n< HTTP/1.1 200 OK\n"));
  EXPECT_EQ(server.received("/pay"), 2);
}

TEST(SessionTest, MistakesAndWhatTheEngineCannotDoAreSaidBefore) {
  const ScratchFile file("sessions.yaml");
  file.Write("steps:\n  - request: /{none}\n");
  Program mistake({"--session-file", file.path(), "http://127.0.0.1:1/"});
  EXPECT_EQ(mistake.Wait(), 2);
  EXPECT_THAT(mistake.Err(), HasSubstr(file.path() + ":2: {none}: no earlier step"));
  file.Write("steps:\n  - request: /\n");
  Program user({"--session-file", file.path(), "http://ann:secret@127.0.0.1:1/"});
  EXPECT_EQ(user.Wait(), 2);
  EXPECT_THAT(user.Err(), HasSubstr("sessions are sent by the raw engine, which sends no user"));
}

}  // namespace
}  // namespace hydrapool::loadgen
