#include "loadgen/plan/scenario_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "loadgen/plan/scenario.h"
#include "loadgen/plan/text_template.h"

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Plan Read(const std::string& text, const std::string& base = "http://h") {
  Plan plan;
  const auto read = ParseScenario(text, "f", base, {"X-All: 1"}, plan);
  EXPECT_TRUE(read) << read.error().message;
  return plan;
}

std::string Complaint(const std::string& text) {
  Plan plan;
  const auto read = ParseScenario(text, "f", "http://h", {}, plan);
  return read ? "no complaint" : read.error().message;
}

TEST(ScenarioFileTest, ReadsSessions) {
  const auto plan = Read(R"(
arrivals: requests
headers: {Accept: a/b}
sessions:
  - name: buyer
    weight: 3
    steps:
      - name: login
        request: POST /login
        headers: {A: b}
        body: '{"user": "u{counter}"}'
        extract: {token: {json: /token}, id: {header: X-Id}}
        check: {status: [200, 201], contains: hi, json: {/ok: true}}
      - think: 1s
      - repeat: 2
        steps:
          - request: GET http://other/items/{id}
            headers: {Authorization: "Bearer {token}"}
          - think: {normal: [1s, 200ms]}
  - steps:
      - request: /
      - think: {exponential: 2s}
)");
  const auto& scenario = *plan.scenario;
  EXPECT_TRUE(scenario.of_requests);
  EXPECT_EQ(scenario.sessions[0].weight, 3u);
  EXPECT_EQ(scenario.sessions[1].name, "session 2");
  ASSERT_EQ(plan.targets.size(), 3u);
  EXPECT_EQ(plan.targets[0].url, "http://h/login");
  EXPECT_EQ(plan.targets[0].name, "login");
  EXPECT_EQ(plan.targets[0].method, "POST");
  EXPECT_THAT(plan.targets[0].headers, ElementsAre("Accept: a/b", "X-All: 1", "A: b"));
  EXPECT_EQ(plan.targets[1].name, "GET /items/{id}");
  EXPECT_THAT(scenario.variables, ElementsAre("token", "id"));
  EXPECT_THAT(scenario.requests[0].check.status, ElementsAre(200, 201));
  EXPECT_EQ(scenario.requests[0].check.json[0].value, "true");
  std::string steps;
  for (const auto& step : scenario.sessions[0].steps) steps += step.think ? "t" : "r";
  EXPECT_EQ(steps, "rtrtrt");
  EXPECT_EQ(scenario.thinks[1].mean, kSecond);
  EXPECT_EQ(scenario.thinks[1].deviation, 200 * kMillisecond);
  EXPECT_EQ(scenario.thinks[2].kind, Think::Kind::kExponential);
}

TEST(ScenarioFileTest, TheNearestHeaderOfANameCounts) {
  const auto plan = Read(R"(
headers: {Accept: file, x-all: file, Other: file}
steps:
  - request: /a
    headers: {accept: step, X-ALL: step}
  - request: /b
)");
  EXPECT_THAT(plan.targets[0].headers, ElementsAre("Other: file", "accept: step", "X-ALL: step"));
  EXPECT_THAT(plan.targets[1].headers, ElementsAre("Accept: file", "Other: file", "X-All: 1"));
}

TEST(ScenarioFileTest, StepsAloneAreOneSession) {
  const auto plan = Read("steps:\n  - request: /a\n");
  EXPECT_EQ(plan.scenario->sessions.size(), 1u);
  EXPECT_FALSE(plan.scenario->of_requests);
}

TEST(ScenarioFileTest, MistakesAreNamedWithTheirLine) {
  const struct {
    const char* text;
    const char* complaint;
  } mistakes[] = {
      {"steps:\n  - requst: /a\n", "f:2: 'requst' is not known of a step (known are name, request"},
      {"steps:\n  - request: /a\n  - think: soon\n", "f:3: 'soon' is not a duration"},
      {"steps:\n  - think: 1s\n  - request: /a\n", "f:2: a session begins with a request"},
      {"steps:\n  - request: GET /a b\n", "f:2: a request is METHOD URL"},
      {"steps:\n  - request: /{tokn}\n", "f:2: {tokn}: no earlier step of the session extracts that"},
      {"steps:\n  - request: /{t}\n    extract: {t: {json: /t}}\n", "f:2: {t}: no earlier step"},
      {"sessions:\n  - steps:\n      - request: /\n        extract: {t: {json: /t}}\n  - steps:\n      - "
       "request: /{t}\n",
       "f:6: {t}: no earlier step"},
      {"steps:\n  - request: /\n    extract: {t: {jsn: /t}}\n", "f:3: 'jsn' is not known of a value"},
      {"steps:\n  - request: /\n    extract: {t: {json: t}}\n", "f:3: a JSON pointer begins with /"},
      {"steps:\n  - request: /\n    extract: {t: {regex: '('}}\n", "f:3: '(' is no regular expression"},
      {"steps:\n  - request: /\n    extract: {counter: {json: /t}}\n",
       "f:3: 'counter' is no name for a value"},
      {"steps:\n  - request: /\n    check: {status: ok}\n", "f:3: a status is no number from 1 to 599"},
      {"steps:\n  - repeat: 1000\n    steps:\n      - repeat: 1000\n        steps: [{request: /}]\n",
       "f:2: a session of more than 100000 steps"},
      {"steps: &s\n  - repeat: 1\n    steps: *s\n", "loops more than 32 deep"},
      {"steps:\n  - request: /\n    request: /b\n", "f:3: 'request' is there twice"},
      {"steps:\n  - request: ''\n", "f:2: a request is METHOD URL"},
      {"steps:\n  - request: 'GET '\n", "f:2: GET lacks its URL"},
      {"steps:\n  - request: /\n    check: {status: []}\n", "f:3: status is an empty list"},
      {"steps:\n  - request: '/{line:/none}'\n", "f:2: cannot read /none"},
      {"steps: [{request: /}]\n---\nsteps: [{request: /b}]\n", "f:3: a second document"},
      {"sessions: []\n", "sessions is no list"},
      {"steps: [\n", "f:2: "},
      {"arrivals: users\nsteps: [{request: /}]\n", "f:1: arrivals are of sessions or of requests"},
      {"", "the file is no map"},
      {"- a\n", "f:1: the file is no map"},
  };
  for (const auto& [text, complaint] : mistakes) EXPECT_THAT(Complaint(text), HasSubstr(complaint)) << text;
}

TEST(ScenarioTest, ThinkTimesHaveTheirMeans) {
  const auto mean_of = [](const Think& think) {
    double sum = 0;
    for (std::uint64_t i = 0; i < 20'000; ++i)
      sum += static_cast<double>(Draw(think, i * 0x9E3779B97F4A7C15U, i * 0xBF58476D1CE4E5B9U));
    return sum / 20'000;
  };
  using Kind = Think::Kind;
  EXPECT_EQ(mean_of({.mean = kSecond}), kSecond);
  EXPECT_NEAR(mean_of({.kind = Kind::kExponential, .mean = kSecond}), kSecond, 0.05 * kSecond);
  EXPECT_NEAR(mean_of({.kind = Kind::kNormal, .mean = kSecond, .deviation = kSecond / 10}), kSecond,
              0.05 * kSecond);
  EXPECT_GE(Draw({.kind = Kind::kNormal, .mean = 1, .deviation = kSecond}, 1, ~std::uint64_t{0} / 2), 0);
}

TEST(ScenarioTest, ValuesStandInTextsAndAreEncodedInUrls) {
  const std::vector<std::string> names{"id", "token"};
  const std::vector<std::string> values{"a b/ü", "t"};
  TextTemplate text("/x/{id}\r\nT: {token}{other}{id}", {}, names);
  text.EncodeBefore(9);
  std::string out;
  text.Expand(1, 0, out, values);
  EXPECT_EQ(out, "/x/a%20b/%C3%BC\r\nT: t{other}a b/ü");
  const TextTemplate body("{id}!", {}, names);
  EXPECT_EQ(body.Length(0, values), values[0].size() + 1);
}

}  // namespace
}  // namespace hydrapool::loadgen
