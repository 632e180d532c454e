// Options come from the command line, the environment and a file.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <string>
#include <string_view>

#include "hydrapool/unique_fd.h"
#include "pool/testing/parse_options.h"

namespace hydrapool::server {
namespace {

TEST(OptionSourcesTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  const ConfigFile file("listen = [\":1\", \"unix:/tmp/x\"]\nworkers = 3\nbalance = \"round-robin\"\n");
  ::setenv("HYDRAPOOL_WORKERS", "5", 1);
  const auto by_environment = Parse({"--config", file.path()});
  const auto by_flag = Parse({"--config", file.path(), "--workers", "7"});
  ::unsetenv("HYDRAPOOL_WORKERS");
  const auto by_file = Parse({"--config", file.path()});
  ASSERT_TRUE(by_environment.options && by_flag.options && by_file.options);
  EXPECT_EQ(by_file.options->pool.workers, 3u);
  EXPECT_EQ(by_environment.options->pool.workers, 5u);
  EXPECT_EQ(by_flag.options->pool.workers, 7u);
  EXPECT_THAT(by_file.options->listen, ::testing::ElementsAre(":1", "unix:/tmp/x"));
  EXPECT_EQ(by_file.options->pool.balance, hydrapool::Balance::kRoundRobin);
}

TEST(OptionSourcesTest, AnUnknownNameInTheFileIsSaidWithTheFile) {
  const ConfigFile file("lisen = \":1\"\n");
  const auto parsed = Parse({"--config", file.path()});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.complaint,
              ::testing::AllOf(::testing::HasSubstr(file.path()), ::testing::HasSubstr("lisen")));
}

TEST(OptionSourcesTest, WhatIsWrongInTheFileIsSaidWithItsLineAndKey) {
  const ConfigFile unknown("# what follows\n\nlisen = \":1\"\n");
  EXPECT_THAT(Parse({"--config", unknown.path()}).complaint,
              ::testing::HasSubstr(unknown.path() + ":3: no such option: lisen"));
  const ConfigFile section("log-level = \"warn\"\n[pool]\nworkers = 3\n");
  EXPECT_THAT(Parse({"--config", section.path()}).complaint,
              ::testing::HasSubstr(section.path() + ":2: [pool]: "));
  for (const std::string line :
       {"workers = 0", "workers = \"many\"", "cgi-timeout = \"soon\"", "balance = \"fair\"",
        "listen = [\":1\", \"nowhere\"]", "workers = [1, 2]", "workers = 1.5", "workers = true",
        "workers = \"\"", "workers = -1", "workers = 99999999999999999999", "listen = true",
        "listen = [\":1\", 2]", "user = [\"a\", \"b\"]", "cgi-env = 7", "workers"}) {
    const ConfigFile file("log-level = \"warn\"\n" + line + "\n");
    const auto parsed = Parse({"--config", file.path()});
    EXPECT_EQ(parsed.exit_code, 2) << line;
    EXPECT_THAT(parsed.complaint,
                ::testing::HasSubstr(file.path() + ":2: " + line.substr(0, line.find(' ')) + ": "));
    EXPECT_EQ(std::ranges::count(parsed.complaint, '\n'), 1) << parsed.complaint;
  }
  const ConfigFile good("workers = 3\n");
  EXPECT_THAT(Parse({"--config", good.path(), "--workers", "0"}).complaint,
              ::testing::Not(::testing::HasSubstr(good.path())));
}

TEST(OptionSourcesTest, TheEnvironmentCanNameTheFile) {
  const ConfigFile file("workers = 3\n");
  ::setenv("HYDRAPOOL_CONFIG", file.path().c_str(), 1);
  const auto parsed = Parse({});
  const auto other = Parse({"--config", "/no/such/file"});
  ::unsetenv("HYDRAPOOL_CONFIG");
  ASSERT_TRUE(parsed.options) << parsed.complaint;
  EXPECT_EQ(parsed.options->pool.workers, 3u);
  EXPECT_EQ(other.exit_code, 2);
}

TEST(OptionSourcesTest, AVariableThatNamesNoOptionIsNoticed) {
  for (const auto* name : {"HYDRAPOOL_LISSTEN", "HYDRAPOOL_CHECK", "HYDRAPOOL_", "HYDRAPOOL_WORKERS"})
    ::setenv(name, "3", 1);
  const auto parsed = Parse({});
  const auto config = Parse({"config"});
  for (const auto* name : {"HYDRAPOOL_LISSTEN", "HYDRAPOOL_CHECK", "HYDRAPOOL_", "HYDRAPOOL_WORKERS"})
    ::unsetenv(name);
  ASSERT_TRUE(parsed.options) << parsed.complaint;
  EXPECT_THAT(parsed.options->unknown_variables,
              ::testing::UnorderedElementsAre("HYDRAPOOL_LISSTEN", "HYDRAPOOL_CHECK", "HYDRAPOOL_"));
  EXPECT_THAT(config.output, ::testing::ContainsRegex("\n- +HYDRAPOOL_LISSTEN +names no option\n"));
}

TEST(OptionSourcesTest, ConfigSaysWhatIsInForceAndWhereItComesFrom) {
  const ConfigFile file("workers = 3\nbalance = \"round-robin\"\n");
  ::setenv("HYDRAPOOL_LOG_LEVEL", "warn", 1);
  const auto parsed = Parse({"config", "--config", file.path(), "--workers=7", "--core"});
  ::unsetenv("HYDRAPOOL_LOG_LEVEL");
  EXPECT_FALSE(parsed.options);
  EXPECT_EQ(parsed.exit_code, 0) << parsed.complaint;
  for (const std::string& line :
       {std::string("workers +7 +command line"), std::string("core +true +command line"),
        std::string("log-level +warn +HYDRAPOOL_LOG_LEVEL"),
        "balance +\"round-robin\" +" + file.path() + ":2", std::string("stall-timeout +10s +default")}) {
    EXPECT_THAT(parsed.output, ::testing::ContainsRegex("(^|\n)" + line + "\n"));
  }
  EXPECT_EQ(Parse({"config", "--workers", "0"}).exit_code, 2);
  EXPECT_THAT(Parse({"config", "127.0.0.1", "81"}).output,
              ::testing::ContainsRegex("(^|\n)listen +127.0.0.1 81 +command line\n"));
}

TEST(OptionSourcesTest, AFileMayBeAPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  constexpr std::string_view kText = "workers = 3\nbalance = \"fair\"\n";
  ASSERT_EQ(::write(write.get(), kText.data(), kText.size()), static_cast<ssize_t>(kText.size()));
  write.Reset();
  const std::string path = "/dev/fd/" + std::to_string(read.get());
  EXPECT_THAT(Parse({"config", "--config", path}).complaint, ::testing::HasSubstr(path + ":2: balance: "));
}

TEST(OptionSourcesTest, TheReferenceFileHasEveryOptionAndItsDefaultsAreTaken) {
  const auto reference = Parse({"config", "--reference"});
  EXPECT_EQ(reference.exit_code, 0) << reference.complaint;
  for (const char* line :
       {"\n#workers = \"N\"\n", "\n#listen = [\"127.0.0.1:8080\"]\n", "\n#stall-timeout = \"10s\"\n",
        "\n#supervisor = true\n", "\n#max-requests = 0\n", "\n#mount = [\"AT=KIND:PATH\"]\n"})
    EXPECT_THAT(reference.output, ::testing::HasSubstr(line));
  std::string defaults;
  std::istringstream lines(reference.output);
  for (std::string line; std::getline(lines, line);) {
    const bool is_option = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    const bool has_default = std::ranges::none_of(line, [](unsigned char c) { return std::isupper(c) != 0; });
    if (is_option && has_default) defaults += line.substr(1) + "\n";
  }
  const ConfigFile file(defaults);
  const auto parsed = Parse({"--config", file.path()});
  ASSERT_TRUE(parsed.options) << parsed.complaint << defaults;
  const ConfigFile empty(reference.output);
  EXPECT_TRUE(Parse({"--config", empty.path()}).options);
}

}  // namespace
}  // namespace hydrapool::server
