// The types of values in a file, over all options that there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "pool/testing/parse_options.h"

namespace hydrapool::server {
namespace {

struct OptionInFile {
  std::string name;
  std::string word;  // for its value; "": it is a flag
  bool listed = false;
};

/// As the program tells of them: what may be set in a file, by `config --reference`, and what of, by
/// `--describe-options`.
std::vector<OptionInFile> AllOptions() {
  std::vector<OptionInFile> all;
  std::istringstream reference(Parse({"config", "--reference"}).output);
  const std::string table = Parse({"--describe-options"}).output;
  for (std::string line; std::getline(reference, line);) {
    const auto equals = line.find(" = ");
    if (!line.starts_with('#') || line.starts_with("# ") || equals == line.npos) continue;
    const std::string name = line.substr(1, equals - 1);
    const auto names = table.find("--" + name + "\t") == table.npos ? table.find("--" + name + ",")
                                                                    : table.find("--" + name + "\t");
    if (names == table.npos) {
      ADD_FAILURE() << name;
      continue;
    }
    const auto word = table.find('\t', names) + 1;
    all.push_back({name, table.substr(word, table.find('\t', word) - word), line[equals + 3] == '['});
  }
  return all;
}

bool Takes(const OptionInFile& option, const std::string& word) {
  return option.word == word || option.word.starts_with(word + ":");  // "N:INT in [1 - 256]"
}

bool TakesIntegers(const OptionInFile& option) {
  const std::vector<std::string> words{"N", "BYTES", "OCTAL", "NAME[:GROUP]", "TIME"};
  return std::ranges::any_of(words, [&](const std::string& word) { return Takes(option, word); });
}

std::vector<std::string> WrongFor(const OptionInFile& option) {
  std::vector<std::string> wrong{"word", "{ a = 1 }", "2026-11-30", "[[\"a\"]]", "[1]", "[true]", "\"a", ""};
  if (!option.word.empty()) wrong.emplace_back("true");
  if (option.word.empty()) wrong.insert(wrong.end(), {"\"true\"", "\"3\"", "\"\"", "[\"a\"]"});
  if (!option.listed) wrong.insert(wrong.end(), {"[\"1\"]", "[]"});
  if (!Takes(option, "TIME")) wrong.emplace_back("1.5");
  if (!TakesIntegers(option)) wrong.emplace_back("3");
  return wrong;
}

TEST(OptionTypesTest, AWrongTypeIsOneLineWithFileLineAndKey) {
  const auto all = AllOptions();
  EXPECT_GE(all.size(), 50u);
  for (const OptionInFile& option : all) {
    for (const std::string& value : WrongFor(option)) {
      const ConfigFile file("# a comment\n" + option.name + " = " + value + "\n");
      const Parsed parsed = Parse({"--config", file.path()});
      EXPECT_EQ(parsed.exit_code, 2) << option.name << " = " << value;
      EXPECT_FALSE(parsed.options) << option.name << " = " << value;
      EXPECT_THAT(parsed.complaint,
                  ::testing::StartsWith("hydrapool: " + file.path() + ":2: " + option.name + ": wants "))
          << value;
      EXPECT_EQ(std::ranges::count(parsed.complaint, '\n'), 1) << parsed.complaint;
    }
  }
}

// As by the flag: "10" means the same everywhere.
TEST(OptionTypesTest, ATimeMayBeANumberOfSeconds) {
  for (const OptionInFile& option : AllOptions()) {
    if (!Takes(option, "TIME")) continue;
    for (const char* value : {"10", "10.5", "\"10\"", "\"1m\""}) {
      const ConfigFile file(option.name + " = " + value + "\n");
      EXPECT_TRUE(Parse({"--config", file.path()}).options) << option.name << " = " << value;
    }
  }
  const ConfigFile file("drain-notice = 5\nhead-timeout = 0.5\n");
  const Parsed parsed = Parse({"--config", file.path()});
  ASSERT_TRUE(parsed.options) << parsed.complaint;
  EXPECT_EQ(parsed.options->pool.timeouts.drain_notice, 5 * sys::kSecond);
  EXPECT_EQ(parsed.options->pool.timeouts.head, sys::kSecond / 2);
}

TEST(OptionTypesTest, WhatIsWrittenIsTaken) {
  const ConfigFile file(R"(realm = "Team #1, all"
workers = 1_0
max-body = 2048
socket-mode = 660
user = 0
expose-worker = true
supervisor = false
index = "a.html"
trusted-proxy = []
cgi-env = [
  "A=#",
  'B=["'
]
)");
  const Parsed parsed = Parse({"--config", file.path(), "--cgi-dir", "/usr/lib"});
  ASSERT_TRUE(parsed.options) << parsed.complaint;
  EXPECT_EQ(parsed.options->site.realm, "Team #1, all");
  EXPECT_EQ(parsed.options->pool.workers, 10u);
  EXPECT_EQ(parsed.options->socket_mode, 0660u);
  EXPECT_EQ(parsed.options->user->uid, 0u);
  EXPECT_TRUE(parsed.options->site.expose_worker);
  EXPECT_FALSE(parsed.options->pool.supervised);
  EXPECT_THAT(parsed.options->site.rules.index, ::testing::ElementsAre("a.html"));
  ASSERT_TRUE(parsed.options->site.cgi);
  EXPECT_EQ(parsed.options->site.cgi->max_body, 2048u);
  EXPECT_THAT(parsed.options->site.cgi->server.extra, ::testing::ElementsAre("A=#", "B=[\""));
}

TEST(OptionTypesTest, AVariableThatIsWrongIsNamed) {
  int flags = 0;
  for (const OptionInFile& option : AllOptions()) {
    if (!option.word.empty()) continue;
    ++flags;
    std::string variable = "HYDRAPOOL_" + option.name;
    for (char& c : variable)
      c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    ::setenv(variable.c_str(), "3", 1);
    const Parsed wrong = Parse({});
    ::setenv(variable.c_str(), "off", 1);
    EXPECT_TRUE(Parse({}).options) << variable;
    ::unsetenv(variable.c_str());
    EXPECT_THAT(wrong.complaint, ::testing::StartsWith("hydrapool: " + variable + ": "));
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_EQ(Parse({"--" + option.name + "=3"}).exit_code, 2) << option.name;
  }
  EXPECT_GE(flags, 8);
  ::setenv("HYDRAPOOL_WORKERS", "many", 1);
  EXPECT_THAT(Parse({}).complaint, ::testing::StartsWith("hydrapool: HYDRAPOOL_WORKERS: "));
  ::unsetenv("HYDRAPOOL_WORKERS");
}

TEST(OptionTypesTest, AnEmptyVariableCountsForNone) {
  for (const char* variable : {"HYDRAPOOL_EXPOSE_WORKER", "HYDRAPOOL_WORKERS"}) ::setenv(variable, "", 1);
  const Parsed parsed = Parse({});
  for (const char* variable : {"HYDRAPOOL_EXPOSE_WORKER", "HYDRAPOOL_WORKERS"}) ::unsetenv(variable);
  ASSERT_TRUE(parsed.options) << parsed.complaint;
  EXPECT_FALSE(parsed.options->site.expose_worker);
}

TEST(OptionTypesTest, AFileOfAnythingIsComplainedOfInFewLinesOfText) {
  std::string anything = "\x1b[2J\x07 = 1\n";
  for (int i = 0; i < 1000; ++i) anything += std::string(300, static_cast<char>('a' + i % 26)) + "\n";
  const ConfigFile file(anything);
  const Parsed parsed = Parse({"--config", file.path()});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.complaint,
              ::testing::StartsWith("hydrapool: " + file.path() + ":1: no such option: ?[2J?"));
  EXPECT_LT(std::ranges::count(parsed.complaint, '\n'), 60);
}

TEST(OptionTypesTest, AMisspeltNameIsToldWithTheNearest) {
  const ConfigFile file("wrokers = 3\n");
  EXPECT_THAT(Parse({"--config", file.path(), "--lissten", ":80"}).complaint,
              ::testing::StartsWith("hydrapool: " + file.path() +
                                    ":1: no such option: wrokers; did you mean 'workers'?"));
}

TEST(OptionTypesTest, WhatCannotStandInAFileIsSaidWithLineAndKey) {
  const ConfigFile file(R"(check = true
probe = "http://localhost/"
no-supervisor = true
workers = 3
workers = 4
listen = []
pool.workers = 2
"realm" = "x"
= 3
help
[[mount]]
path = 3
kind = true
target = "/usr"
host = 4
timeout = 0.5
user = 1.5
)");
  const Parsed parsed = Parse({"--config", file.path()});
  EXPECT_EQ(parsed.exit_code, 2);
  for (const char* fault :
       {":1: check: is for", ":2: probe: is for", ":3: no such option: no-supervisor",
        ":5: workers: is there twice", ":6: listen: wants one at least", ":7: no such option: pool.workers",
        ":8: no such option: \"realm\"", ":9: no such option: =", ":10: help: is for",
        ":12: path: wants text", ":13: kind: wants text", ":15: host: wants text",
        ":17: user: wants a whole number"})
    EXPECT_THAT(parsed.complaint, ::testing::HasSubstr("hydrapool: " + file.path() + fault));
  EXPECT_EQ(std::ranges::count(parsed.complaint, '\n'), 13) << parsed.complaint;
}

}  // namespace
}  // namespace hydrapool::server
