#include "loadgen/engine/step_rules.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using From = Extraction::From;

const ResponseText kResponse{.head =
                                 "HTTP/1.1 200 OK\r\nX-Id: 7\r\nSet-Cookie: sid=old\r\nSet-Cookie: sid=a=b; "
                                 "Path=/\r\nset-cookie: other\r\n\r\n",
                             .body = R"({"token": "t1", "n": 5, "items": [{"id": 3}], "line": "a\nb"})",
                             .whole = true};

std::string Apply(const StepRequest& request, std::vector<std::string>& values) {
  return StepRules(request).Apply(kResponse, values).value_or("");
}

TEST(StepRulesTest, TakesValues) {
  std::vector<std::string> values(5);
  EXPECT_EQ(Apply({.extract = {{0, From::kJson, "/token"},
                               {1, From::kJson, "/items/0/id"},
                               {2, From::kHeader, "x-id"},
                               {3, From::kCookie, "sid"},
                               {4, From::kRegex, "\"n\": ([0-9]+)"}}},
                  values),
            "");
  EXPECT_EQ(values, (std::vector<std::string>{"t1", "3", "7", "a=b", "5"}));
}

TEST(StepRulesTest, SaysWhatIsLacking) {
  std::vector<std::string> values(1);
  EXPECT_EQ(Apply({.extract = {{0, From::kJson, "/none"}}}, values), "no JSON at /none");
  EXPECT_EQ(Apply({.extract = {{0, From::kHeader, "None"}}}, values), "no header None");
  EXPECT_EQ(Apply({.extract = {{0, From::kCookie, "other"}}}, values), "no cookie other");
  EXPECT_EQ(Apply({.extract = {{0, From::kRegex, "zzz"}}}, values), "no match of zzz");
  EXPECT_EQ(Apply({.extract = {{0, From::kJson, "/line"}}}, values), "JSON at /line has control characters");
  EXPECT_EQ(values[0], "");
}

TEST(StepRulesTest, ChecksWhatMustBe) {
  std::vector<std::string> values;
  EXPECT_EQ(Apply({.check = {.contains = "token", .json = {{"/n", "5"}, {"/token", "t1"}}}}, values), "");
  EXPECT_EQ(Apply({.check = {.contains = "absent"}}, values), "no 'absent' in the body");
  EXPECT_EQ(Apply({.check = {.json = {{"/n", "6"}}}}, values), "JSON at /n: 5 instead of 6");
  EXPECT_EQ(Apply({.check = {.json = {{"/m", "6"}}}}, values), "JSON at /m: nothing instead of 6");
  const StepRequest two{.check = {.status = {200, 404}}};
  EXPECT_EQ(StepRules(two).Expects(404), true);
  EXPECT_EQ(StepRules(two).Expects(500), false);
  EXPECT_EQ(StepRules({}).Expects(500), std::nullopt);
}

TEST(StepRulesTest, ABodyThatIsNotWholeIsNotLookedInto) {
  std::vector<std::string> values;
  EXPECT_TRUE(StepRules({}).Apply({.head = "HTTP/1.1 200 OK\r\n\r\n", .body = "a"}, values));
}

}  // namespace
}  // namespace hydrapool::loadgen
