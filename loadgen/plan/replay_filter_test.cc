#include "loadgen/plan/replay_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

constexpr sys::Nanos kTime = 1'760'097'336 * sys::kSecond;  // 2025-10-10T11:55:36Z

bool Passes(std::vector<std::string> rules, std::string_view method = "GET",
            std::string_view path = "/shop/a?b", int status = 200, sys::Nanos time = kTime) {
  const auto filter = ReplayFilter::Parse(rules);
  EXPECT_TRUE(filter) << filter.error().message;
  return filter && filter->Passes(method, path, status, time);
}

TEST(ReplayFilterTest, EachRuleNarrowsIt) {
  EXPECT_TRUE(Passes({}));
  EXPECT_TRUE(Passes({"method=HEAD,GET", "path=^/shop/", "path=b$", "status=2xx"}));
  EXPECT_FALSE(Passes({"method=HEAD,PUT"}));
  EXPECT_FALSE(Passes({"path=^/shop/", "path=c$"}));
  EXPECT_TRUE(Passes({"path=^/shop"}, "GET", "http://h/shop?q")) << "of a proxy's log";
  EXPECT_FALSE(Passes({"path=http"}, "GET", "http://h/shop?q"));
}

TEST(ReplayFilterTest, StatusesAreNumbersOrClasses) {
  EXPECT_TRUE(Passes({"status=2xx,404"}, "GET", "/", 404));
  EXPECT_TRUE(Passes({"status=5XX"}, "GET", "/", 503));
  EXPECT_FALSE(Passes({"status=2xx,404"}, "GET", "/", 301));
  EXPECT_FALSE(Passes({"status=2xx"}, "GET", "/", 0)) << "the log does not know it";
}

TEST(ReplayFilterTest, TimesAreFromAndBefore) {
  const auto at = [](std::vector<std::string> rules, sys::Nanos time) {
    return Passes(std::move(rules), "GET", "/", 200, time);
  };
  EXPECT_TRUE(at({"from=2025-10-10T11:55:36Z", "to=1760097337"}, kTime));
  EXPECT_FALSE(at({"from=2025-10-10T11:55:36Z"}, kTime - 1));
  EXPECT_FALSE(at({"to=2025-10-10T11:55:36Z"}, kTime));
}

TEST(ReplayFilterTest, MistakesAreNamed) {
  for (const auto& [rule, says] :
       std::initializer_list<std::pair<std::string, const char*>>{{"metod=GET", "not method="},
                                                                  {"GET", "not method="},
                                                                  {"method=", "'' is no method"},
                                                                  {"path=(", "nmatched"},
                                                                  {"path=", "missing"},
                                                                  {"status=20", "'20' is no status"},
                                                                  {"status=9xx", "'9xx' is no status"},
                                                                  {"status=2xx,", "'' is no status"},
                                                                  {"from=yesterday", "yesterday"}}) {
    const auto filter = ReplayFilter::Parse(std::vector{rule});
    ASSERT_FALSE(filter) << rule;
    EXPECT_THAT(filter.error().message, ::testing::HasSubstr(says));
    EXPECT_THAT(filter.error().message, ::testing::HasSubstr("--replay-only '" + rule + "'"));
  }
  EXPECT_FALSE(ReplayFilter::Parse(std::vector<std::string>{"from=1760097337", "to=1760097336"}));
}

}  // namespace
}  // namespace hydrapool::loadgen
