// Mounts as tables of a configuration file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "pool/testing/parse_options.h"

namespace hydrapool::server {
namespace {

TEST(SiteTablesTest, TheReadySitesAreRead) {
  int sites = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HYDRAPOOL_SOURCE_DIR "/scripts/sites")) {
    const auto parsed = Parse({"--config", entry.path().string()});
    ASSERT_TRUE(parsed.options) << entry.path() << ": " << parsed.complaint;
    EXPECT_FALSE(parsed.options->site.mounts.empty()) << entry.path();
    ++sites;
  }
  EXPECT_GE(sites, 3);
}

TEST(SiteTablesTest, MountsMayBeTables) {
  const ConfigFile file(R"(workers = 3
mount = ["/old/=files:/usr"]

[[mount]]              # a comment
path = "/"
kind = 'files'
target = "/usr/share"  # another
host = "Wiki.example.org"

[[mount]]
path = "/sh"
kind = "program"
target = "/bin/sh"
timeout = "10m"
max-cgi = 4
env = ["A=b, c", 'D="#']
limit = [
  "cpu=10s",  # of each
  "as=512M",
]
require = "/etc/passwd"
allow = ["joe", "@admins"]
)");
  const auto parsed = Parse({"--config", file.path()});
  ASSERT_TRUE(parsed.options) << parsed.complaint;
  EXPECT_EQ(parsed.options->pool.workers, 3u);
  const SiteConfig& site = parsed.options->site;
  ASSERT_EQ(site.mounts.size(), 3u);
  EXPECT_EQ(site.mounts[0].at, "/old/");
  EXPECT_EQ(site.mounts[1].host, "wiki.example.org");
  EXPECT_EQ(site.mounts[1].path, "/usr/share");
  EXPECT_EQ(site.mounts[2].kind, cgi::Mount::Kind::kProgram);
  ASSERT_EQ(site.guards.size(), 2u);
  EXPECT_EQ(site.guards[0].file, "/etc/passwd");
  EXPECT_THAT(site.guards[1].allowed, ::testing::ElementsAre("joe", "@admins"));
  ASSERT_TRUE(site.cgi);
  const cgi::ProgramSettings settings = cgi::ProgramRules({}, site.cgi->rules).Of("/sh/x");
  EXPECT_EQ(settings.patience, 600 * sys::kSecond);
  EXPECT_EQ(settings.most_processes, 4u);
  EXPECT_THAT(settings.environment, ::testing::ElementsAre("A=b, c", "D=\"#"));
  EXPECT_EQ(settings.limits.cpu_seconds, 10u);
  EXPECT_EQ(settings.limits.address_space_bytes, 512u << 20);
  const auto config = Parse({"config", "--config", file.path()});
  EXPECT_THAT(config.output, ::testing::HasSubstr(file.path() + ":4\n"));
  EXPECT_THAT(config.output, ::testing::ContainsRegex("\nallow +- +default\n"))
      << "a table's key is no option";
  const auto replaced = Parse({"--config", file.path(), "--mount", "/=files:/usr"});
  ASSERT_TRUE(replaced.options) << replaced.complaint;
  EXPECT_EQ(replaced.options->site.mounts.size(), 1u);
  for (const auto& [flag, value] : {std::pair("--require", "/=/etc/passwd"), std::pair("--allow", "/=joe"),
                                    std::pair("--program-rule", "/=timeout:1s")}) {
    const auto weaker = Parse({"--config", file.path(), flag, value});
    EXPECT_FALSE(weaker.options) << flag;
    EXPECT_THAT(weaker.complaint,
                ::testing::HasSubstr("would take back what a table of the file says (/sh="));
  }
}

TEST(SiteTablesTest, AllThatIsWrongWithTablesIsSaidWithLineAndKey) {
  const ConfigFile file(R"([[mount]]
path = "/a"
kind = "directory"
target = "/usr"

[[mount]]
path = "/b"
kind = "files"

[[mount]]
path = "/c"
kind = "files"
target = "/no/such"
colour = "red"
workers = 3
path = "/d"
timeout = soon
host = ["a", "b"]
max-cgi = 0
[[mount]]
path = "/e"
kind = "files"
target = "/usr"
host = "e.example"
timeout = "10s"
limit = ["cpu=1s" "as=1M"]
)");
  const auto parsed = Parse({"--config", file.path(), "--check"});
  EXPECT_EQ(parsed.exit_code, 2);
  for (const char* fault :
       {":2: path: ", ":6: [[mount]]: has no target", ":13: target: /no/such: ", ":14: colour: no key",
        ":15: workers: no key", ":16: path: is there twice", ":17: timeout: wants ", ":18: host: wants one",
        ":19: max-cgi: ", ":25: timeout: is by path", ":26: limit: wants "})
    EXPECT_THAT(parsed.complaint, ::testing::HasSubstr("hydrapool: " + file.path() + fault));
  EXPECT_EQ(std::ranges::count(parsed.complaint, '\n'), 11) << parsed.complaint;
}

TEST(SiteTablesTest, WhatIsForProgramsIsRefusedWhereThereAreNone) {
  const std::string text = R"([[mount]]
path = "/docs"
kind = "files"
target = "/usr"
max-cgi = 4
env = ["A=b"]

[[mount]]
path = "/sh"
kind = "program"
target = "/bin/sh"
max-cgi = 4
)";
  {
    const ConfigFile file(text);
    const auto parsed = Parse({"--config", file.path(), "--check"});
    EXPECT_EQ(parsed.exit_code, 2);
    for (const char* fault : {":5: max-cgi: it is for programs, and there are none at /docs nor below it",
                              ":6: env: it is for programs"})
      EXPECT_THAT(parsed.complaint, ::testing::HasSubstr("hydrapool: " + file.path() + fault));
    EXPECT_EQ(std::ranges::count(parsed.complaint, '\n'), 2) << parsed.complaint;
  }
  const ConfigFile interpreted(text + "[[mount]]\npath = \"*.php\"\nkind = \"with\"\ntarget = \"/bin/sh\"\n");
  EXPECT_TRUE(Parse({"--config", interpreted.path()}).options) << "its files may be programs";
}

// Neither a list that is not well formed nor a key that is missing hides what else is wrong with a table.
TEST(SiteTablesTest, OneFaultOfATableHidesNoOther) {
  const ConfigFile file(R"([[mount]]
path = "/a"
kind = "files"
target = "/usr"
env = ["A=1" "B=2"]
timeout = soon
limit = [
  "cpu=1s"
  "as=1M",
]
max-cgi = 0
allow = ["joe",
colour = "red"
[[mount]]
target = "/no/such"
require = "nobody"
limit = ["cpu=1s", "]", "nonsense"]
[[mount]]
path = ["/b"]
kind = "program"
target = "/usr"
env = [
  'A=]',  # not its end ]
  "C"
]
)");
  const auto parsed = Parse({"--config", file.path(), "--check"});
  EXPECT_EQ(parsed.exit_code, 2);
  for (const char* fault :
       {":5: env: wants ", ":6: timeout: wants ", ":7: limit: wants ", ":11: max-cgi: ", ":12: allow: wants ",
        ":13: colour: no key", ":14: [[mount]]: has no path", ":14: [[mount]]: has no kind",
        ":16: require: ", ":17: limit: '/=limit:]'", ":17: limit: '/=limit:nonsense'", ":19: path: wants one",
        ":21: target: /usr: not a program", ":22: env: '/=env:C'"})
    EXPECT_THAT(parsed.complaint, ::testing::HasSubstr("hydrapool: " + file.path() + fault));
  EXPECT_EQ(std::ranges::count(parsed.complaint, '\n'), 14) << parsed.complaint;
}

}  // namespace
}  // namespace hydrapool::server
