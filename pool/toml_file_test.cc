#include "pool/toml_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace hydrapool::server {
namespace {

using Kind = TomlScalar::Kind;

std::vector<TomlEntry> Read(const std::string& text) {
  std::istringstream input(text);
  return ReadToml(input);
}

TEST(TomlFileTest, ScalarsAreWhatTheyAreWrittenAs) {
  struct {
    const char* written;
    Kind kind;
    const char* text;
  } const cases[] = {
      {"\"a # b = c\" # d", Kind::kText, "a # b = c"},
      {R"("\"\\\n\t")", Kind::kText, "\"\\\n\t"},
      {R"('\n"')", Kind::kText, R"(\n")"},
      {"''", Kind::kText, ""},
      {"4", Kind::kInteger, "4"},
      {"-1#", Kind::kInteger, "-1"},
      {"+10_000", Kind::kInteger, "10000"},
      {"0.5", Kind::kFraction, "0.5"},
      {"1e3\r", Kind::kFraction, "1e3"},
      {"true", Kind::kTruth, "true"},
      {" false ", Kind::kTruth, "false"},
  };
  for (const auto& each : cases) {
    const auto entries = Read(std::string("key = ") + each.written + "\n");
    ASSERT_EQ(entries.size(), 1u) << each.written;
    ASSERT_TRUE(entries[0].value) << each.written;
    ASSERT_EQ(entries[0].value->items.size(), 1u) << each.written;
    EXPECT_FALSE(entries[0].value->listed) << each.written;
    EXPECT_EQ(entries[0].value->items[0].kind, each.kind) << each.written;
    EXPECT_EQ(entries[0].value->items[0].text, each.text) << each.written;
  }
}

TEST(TomlFileTest, WhatIsNoValueIsNone) {
  for (const char* written :
       {"",          "word",  "\"a",    "\"a\\", R"("\x")", "\"a\" \"b\"", "1 2",           "1.",
        ".5",        "_1",    "1_",     "--1",   "1-1",     "e3",          "0x10",          "2026-11-30",
        "{ a = 1 }", "[1 2]", "[1,,2]", "[1",    "[[1]]",   "True",        "\"\"\"a\"\"\"", "1,2"})
    EXPECT_FALSE(Read(std::string("key = ") + written + "\n").at(0).value) << written;
  EXPECT_FALSE(Read("key\n").at(0).value);
  EXPECT_EQ(Read("= 3\n").at(0).name(), "=");
}

TEST(TomlFileTest, AByteOrderMarkBelongsToNoKey) {
  const auto entries = Read("\xef\xbb\xbfkey = 1\nkey = 2\n");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name(), "key");
  EXPECT_TRUE(Read("\xef\xbb\xbf").empty());
}

TEST(TomlFileTest, ListsGoOnOverLinesAndEndWhereAnotherKeyBegins) {
  const auto entries = Read(R"(a = [
  "b = ]",  # ]
  'c', 4,
]
d = []
e = ["f",
g = 1
)");
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_THAT(entries[0].value->Texts(), ::testing::ElementsAre("b = ]", "c", "4"));
  EXPECT_EQ(entries[0].value->Written(), R"(["b = ]", "c", 4])");
  EXPECT_TRUE(entries[1].value->listed);
  EXPECT_TRUE(entries[1].value->items.empty());
  EXPECT_FALSE(entries[2].value);
  EXPECT_EQ(entries[3].line, 7);
  EXPECT_EQ(entries[3].key, "g");
}

TEST(TomlFileTest, EachKeyKnowsItsHeadingAndLine) {
  const auto entries = Read("# nothing\na = 1 # one\n\n[[mount]] # this\nb = 2\n[c]\nd=\"3\"");
  ASSERT_EQ(entries.size(), 5u);
  EXPECT_EQ(entries[0].heading, "");
  EXPECT_EQ(entries[0].line, 2);
  EXPECT_EQ(entries[1].name(), "[[mount]]");
  EXPECT_EQ(entries[2].heading, "[[mount]]");
  EXPECT_EQ(entries[2].line, 5);
  EXPECT_EQ(entries[4].heading, "[c]");
  EXPECT_EQ(entries[4].line, 7);
}

}  // namespace
}  // namespace hydrapool::server
