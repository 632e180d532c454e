#include "loadgen/plan/shell_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using ::testing::ElementsAre;

std::vector<ShellCommand> Split(std::string_view text) {
  const auto commands = SplitShellWords(text);
  EXPECT_TRUE(commands) << commands.error().message;
  return commands.value_or(std::vector<ShellCommand>{});
}

TEST(ShellWordsTest, QuotesCommentsAndSeparators) {
  EXPECT_THAT(Split("a 'b c' \"d\\\"e\" f\\ g"), ElementsAre(ElementsAre("a", "b c", "d\"e", "f g")));
  EXPECT_THAT(Split("a;b\nc && d \\\n e # it's f\n# g"),
              ElementsAre(ElementsAre("a"), ElementsAre("b"), ElementsAre("c"), ElementsAre("d", "e")));
  EXPECT_THAT(Split("a#b ''"), ElementsAre(ElementsAre("a#b", "")));
}

TEST(ShellWordsTest, EscapesOfDollarQuotes) {
  EXPECT_THAT(Split(R"($'a\n\x41\u0021\'')"), ElementsAre(ElementsAre("a\nA!'")));
  EXPECT_THAT(Split(R"($'\u00e9\u20ac')"), ElementsAre(ElementsAre("\u00e9\u20ac")));
  EXPECT_THAT(Split(R"($'\ud83d\ude00')"), ElementsAre(ElementsAre("\U0001F600")));
  EXPECT_THAT(Split(R"($'\x4g\u12')"), ElementsAre(ElementsAre("x4gu12")));
}

TEST(ShellWordsTest, WhatTheShellWouldDoIsNotRead) {
  for (const auto* text : {"a | b", "a > b", "a 2>&1", "a &", "a `b`", "a 'b", "a $'\\"})
    EXPECT_FALSE(SplitShellWords(text)) << text;
}

}  // namespace
}  // namespace hydrapool::loadgen
