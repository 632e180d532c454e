#include "pool/cgi/program_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hydrapool::cgi {
namespace {

ProgramRules Rules(const std::vector<std::string>& texts) {
  std::vector<ProgramRule> rules;
  for (const std::string& text : texts) rules.push_back(*ProgramRule::Parse(text));
  return {{.patience = 60 * sys::kSecond}, rules};
}

TEST(ProgramRulesTest, ALongerPathHasTheLastWord) {
  const auto rules = Rules({"/a/b=timeout:2s", "/a=timeout:1s", "/=env:X=root", "/a/b=env:X=b"});
  EXPECT_EQ(rules.Of("/a/b/c").patience, 2 * sys::kSecond);
  EXPECT_EQ(rules.Of("/a/bc").patience, sys::kSecond);
  EXPECT_EQ(rules.Of("/z").patience, 60 * sys::kSecond);
  EXPECT_EQ(rules.Of("/a/b").environment, (std::vector<std::string>{"X=root", "X=b"}));
}

TEST(ProgramRulesTest, NoSpellingOfAPathGoesRoundItsRule) {
  const auto rules = Rules({"/slow/=timeout:1s"});
  for (const char* path :
       {"/slow", "/slow/x", "/./slow/x", "/a/../slow", "//slow//x", "/%73low/x", "/%73low/x%2Fy"})
    EXPECT_EQ(rules.Of(path).patience, sys::kSecond) << path;
  EXPECT_EQ(rules.Of("/slow/../x").patience, 60 * sys::kSecond);
}

TEST(ProgramRulesTest, ReadsLimits) {
  ResourceLimits limits;
  for (const char* text : {"cpu=1500ms", "as=512M", "fsize=1G", "nproc=64", "nofile=256", "core=4K"})
    ASSERT_TRUE(SetLimit(limits, text)) << text;
  EXPECT_EQ(limits.cpu_seconds, 2u);
  EXPECT_EQ(limits.address_space_bytes, 512u << 20);
  EXPECT_EQ(limits.file_bytes, 1u << 30);
  EXPECT_EQ(limits.processes, 64u);
  EXPECT_EQ(limits.open_files, 256u);
  EXPECT_EQ(limits.core_bytes, 4096u);
}

TEST(ProgramRulesTest, RefusesWhatIsNoLimit) {
  ResourceLimits limits;
  for (const char* text :
       {"", "cpu", "cpu=", "cpu=10ms", "cpu=x", "as=", "as=-1", "as=1X", "as=1MB", "as=M", "nproc=1K",
        "nofile=", "stack=1M", "as=99999999999999999999", "as=99999999999T", "=1"}) {
    EXPECT_FALSE(SetLimit(limits, text)) << text;
  }
}

TEST(ProgramRulesTest, RefusesWhatIsNoRule) {
  for (const char* text : {"", "/a", "/a=", "/a=env", "/a=env:", "/a=env:X", "/a=env:=x", "a=env:X=1",
                           "/a=timeout:0", "/a=timeout:1ms", "/a=timeout:25h", "/a=limit:cpu",
                           "/a=user:", "/a=group:joe", "*.php=timeout:1s", "/a%20b=timeout:1s"}) {
    EXPECT_FALSE(ProgramRule::Parse(text)) << text;
  }
}

TEST(ProgramRulesTest, TheLongestPathSaysAsWhom) {
  const ProgramRules rules = Rules({"/a=user:joe", "/a/b=user:ann:staff"});
  EXPECT_EQ(rules.Of("/a/x").user, "joe");
  EXPECT_EQ(rules.Of("/a/b/x").user, "ann:staff");
  EXPECT_EQ(rules.Of("/c").user, "");
}

TEST(ProgramRulesTest, AValueMayHoldColonsAndEqualsSigns) {
  EXPECT_EQ(Rules({"/git=env:P=/a:/b=c"}).Of("/git/x").environment, (std::vector<std::string>{"P=/a:/b=c"}));
}

}  // namespace
}  // namespace hydrapool::cgi
