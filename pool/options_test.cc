#include "pool/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "pool/option_checks.h"
#include "pool/testing/parse_options.h"

namespace hydrapool::server {
namespace {

TEST(OptionsTest, DefaultsAreLoopback) {
  const auto parsed = Parse({});
  ASSERT_TRUE(parsed.options);
  EXPECT_THAT(parsed.options->listen, ::testing::ElementsAre("127.0.0.1:8080"));
  EXPECT_EQ(parsed.options->admin, "127.0.0.1:9180");
  EXPECT_FALSE(parsed.options->site.cgi);
}

TEST(OptionsTest, TheTeachingCodesCommandLineWorks) {
  const auto parsed = Parse({"127.0.0.1", "8000"});
  ASSERT_TRUE(parsed.options);
  EXPECT_THAT(parsed.options->listen, ::testing::ElementsAre("127.0.0.1:8000"));
  EXPECT_THAT(Parse({"::1", "80"}).options->listen, ::testing::ElementsAre("[::1]:80"));
}

TEST(OptionsTest, TimesHaveTheUnitsOfAllPrograms) {
  const auto patience = [](const std::string& text) {
    return Parse({"--cgi-dir", "/", "--cgi-timeout", text}).options->site.cgi->patience;
  };
  EXPECT_EQ(patience("10"), 10 * sys::kSecond);
  EXPECT_EQ(patience("1m30s"), 90 * sys::kSecond);
  EXPECT_EQ(patience("0.5"), 500 * sys::kMillisecond);
  for (const auto* text : {"25h", "1ms", "soon", "-1"})
    EXPECT_FALSE(Parse({"--cgi-timeout", text}).options) << text;
  const auto stall = [](const std::string& text) {
    return Parse({"--stall-timeout", text}).options->pool.timeouts.stall;
  };
  EXPECT_EQ(Parse({}).options->pool.timeouts.stall, 10 * sys::kSecond);
  EXPECT_EQ(stall("10"), 10 * sys::kSecond);
  EXPECT_EQ(stall("1m30s"), 90 * sys::kSecond);
  EXPECT_EQ(stall("0"), 0);
  for (const auto* text : {"25h", "soon", "-1"})
    EXPECT_FALSE(Parse({"--stall-timeout", text}).options) << text;
}

TEST(OptionsTest, WhatIsWrongIsSaidInOneLineWithExitCode2) {
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{"--bogus"},
                                             {"--listen", "nowhere"},
                                             {"--listen", "host:99999"},
                                             {"--workers", "0"},
                                             {"--workers", "many"},
                                             {"--balance", "fair"},
                                             {"--cgi-env", "NAME"},
                                             {"--cgi-prefix", "cgi"},
                                             {"--cgi-prefix", "/a%20b/"},
                                             {"--max-body", "-1"},
                                             {"--max-body", "9999999999999999999"},
                                             {"--max-memory", "-1"},
                                             {"--max-requests", "-1"},
                                             {"127.0.0.1"},
                                             {"127.0.0.1", "port"},
                                             {"--config", "/no/such/file"}}) {
    const auto parsed = Parse(bad);
    EXPECT_FALSE(parsed.options) << bad.front();
    EXPECT_EQ(parsed.exit_code, 2) << bad.front();
    EXPECT_THAT(parsed.complaint, ::testing::StartsWith("hydrapool: "));
    EXPECT_EQ(std::ranges::count(parsed.complaint, '\n'), 1) << parsed.complaint;
  }
}

TEST(OptionsTest, AnUnknownFlagIsNamedWhateverFollowsIt) {
  EXPECT_THAT(Parse({"--lissten", ":8080"}).complaint, ::testing::HasSubstr("--lissten"));
}

TEST(OptionsTest, HelpAndVersionEndWell) {
  for (const char* asked : {"--help", "--version"}) {
    const auto parsed = Parse({asked});
    EXPECT_FALSE(parsed.options);
    EXPECT_EQ(parsed.exit_code, 0);
  }
}

TEST(OptionsTest, TheUsageLineNamesTheProgram) {
  EXPECT_THAT(Parse({"--help"}).output, ::testing::HasSubstr("Usage: hydrapool [OPTIONS] [IP] [PORT]\n"));
  EXPECT_THAT(Parse({"config", "--help"}).output,
              ::testing::HasSubstr("Usage: hydrapool config [OPTIONS] [IP] [PORT]\n"));
}

TEST(OptionsTest, LimitsOfCgroupsNeedOne) {
  const auto given = Parse({"--cgi-dir", "/srv", "--cgi-cgroup", "/sys/fs/cgroup/x", "--cgi-limit",
                            "memory-max=512M", "--program-rule", "/cgi-bin=limit:tasks-max=64"});
  ASSERT_TRUE(given.options) << given.complaint;
  EXPECT_EQ(given.options->site.cgi->cgroup, "/sys/fs/cgroup/x");
  EXPECT_EQ(given.options->site.cgi->limits.together.memory_max, 512u << 20);
  EXPECT_EQ(cgi::ProgramRules({}, given.options->site.cgi->rules).Of("/cgi-bin/b").limits.together.tasks_max,
            64u);
  const auto complaint = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"--cgi-dir", "/srv"});
    return Parse(words).complaint;
  };
  EXPECT_THAT(complaint({"--cgi-limit", "memory-max=1G"}),
              ::testing::HasSubstr("memory-max: a limit of cgroups"));
  EXPECT_THAT(complaint({"--program-rule", "/cgi-bin=limit:tasks-max=9"}),
              ::testing::HasSubstr("tasks-max: a limit"));
  EXPECT_THAT(complaint({"--cgi-limit", "tasks-max=1G"}), ::testing::HasSubstr("is no limit"));
  EXPECT_THAT(complaint({"--cgi-cgroup", "/x", "--program-rule", "/cgi-bin=user:nobody"}),
              ::testing::HasSubstr("--cgi-cgroup: not with programs as other users (/cgi-bin=user:nobody)"));
}

TEST(OptionsTest, WhatCgiProgramsAreGivenAndMayDo) {
  const auto strict = Parse({"--cgi-dir", "/srv"});
  ASSERT_TRUE(strict.options) << strict.complaint;
  EXPECT_EQ(strict.options->site.rules.scripts.symlinks, cgi::Symlinks::kOwner);
  EXPECT_FALSE(strict.options->site.rules.scripts.encoded_slashes);
  EXPECT_FALSE(strict.options->site.cgi->server.pass_authorization);
  EXPECT_FALSE(strict.options->site.cgi->set_id);
  EXPECT_FALSE(strict.options->site.heads.raw_targets);
  EXPECT_EQ(strict.options->site.cgi->max_body, 1ull << 30);
  EXPECT_FALSE(strict.options->socket_mode);
  const auto lenient = Parse({"--cgi-dir", "/srv", "--cgi-symlinks", "all", "--encoded-slashes",
                              "--pass-authorization", "--cgi-set-id", "--raw-targets", "--document-root",
                              "/srv/www", "--max-body", "2gb", "--socket-mode", "660"});
  ASSERT_TRUE(lenient.options) << lenient.complaint;
  EXPECT_EQ(lenient.options->site.rules.scripts.symlinks, cgi::Symlinks::kAll);
  EXPECT_TRUE(lenient.options->site.rules.scripts.encoded_slashes);
  EXPECT_TRUE(lenient.options->site.cgi->server.pass_authorization);
  EXPECT_TRUE(lenient.options->site.cgi->set_id);
  EXPECT_TRUE(lenient.options->site.cgi->heads.raw_targets);
  EXPECT_EQ(lenient.options->site.cgi->server.document_root, "/srv/www");
  EXPECT_EQ(lenient.options->site.cgi->max_body, 2ull << 30);
  EXPECT_EQ(lenient.options->socket_mode, 0660u);
  EXPECT_EQ(Parse({"--socket-mode", "999"}).exit_code, 2);
  const auto at = ListenAt::Parse("unix:/run/a,b.sock,owner=root,mode=660");
  ASSERT_TRUE(at);
  EXPECT_EQ(at->address, "unix:/run/a,b.sock");
  EXPECT_EQ(at->mode, 0660u);
  EXPECT_EQ(at->owner->uid, 0u);
  for (const char* name : {"unix:/run/a,b.sock", "unix:/run/a=b,c.sock", "unix:/run/a,", "unix:/run/a,1=2",
                           "unix:/run/x,mode=6/a.sock"})
    EXPECT_EQ(ListenAt::Parse(name)->address, name) << "a comma of the path";
  for (const char* bad : {"unix:/run/a,mode=999", "unix:/run/a,owner=nobody-of-that-name", ":80,mode=660",
                          "unix:/run/a,foo=1", "unix:/run/a,mode=660,foo=1", "unix:/run/a,foo=1,mode=660",
                          "unix:/run/a,mode=660,", "unix:/run/a,Mode=660", "unix:/run/a,mode=660,mode=600"}) {
    const Parsed refused = Parse({"--listen", bad});
    EXPECT_EQ(refused.exit_code, 2) << bad;
    EXPECT_EQ(std::ranges::count(refused.complaint, '\n'), 1) << refused.complaint;
  }
}

TEST(OptionsTest, ARuleForProgramsWhereThereAreNoneIsRefused) {
  const auto complaint = [](const std::string& rule, const std::vector<std::string>& mounts) {
    std::vector<std::string> words{"--program-rule", rule};
    for (const std::string& mount : mounts) words.insert(words.end(), {"--mount", mount});
    return Parse(words).complaint;
  };
  const std::vector<std::string> site{"/=files:/srv", "/cgi-bin/=cgi:/usr/lib", "/git=program:/bin/sh",
                                      "//h/w=program:/bin/sh"};
  for (const char* rule : {"/=max-cgi:4", "/cgi-bin=max-cgi:4", "/cgi-bin/x/y=timeout:1s", "/git=user:nobody",
                           "/git/a.git=env:A=b", "/w=limit:cpu=1s"})
    EXPECT_EQ(complaint(rule, site), "") << rule;
  for (const char* rule : {"/docs=max-cgi:4", "/cgi-bi=user:nobody", "/gitx=timeout:1s"})
    EXPECT_THAT(complaint(rule, site), ::testing::HasSubstr("there are none at /")) << rule;
  EXPECT_THAT(complaint("/a=timeout:1s", {}), ::testing::HasSubstr("'/a=timeout:1s': it is for programs"));
  const std::vector<std::string> php{"/=files:/srv", "*.php=with:/bin/sh"};
  EXPECT_EQ(complaint("/wiki=timeout:1s", php), "");
  const std::vector<std::string> hidden{"/=program:/bin/sh", "/img=files:/srv"};
  EXPECT_THAT(complaint("/img/x=timeout:1s", hidden), ::testing::HasSubstr("there are none at /img/x"));
  EXPECT_EQ(complaint("/other=timeout:1s", hidden), "");
}

TEST(OptionsTest, WhatNeedsLeasesOrHttpIsRefusedWhereThereAreNone) {
  EXPECT_EQ(Parse({"--dispatch", "exclusive", "--listen", ":8081"}).options->dispatch, Dispatch::kExclusive);
  EXPECT_FALSE(Parse({"--dispatch", "notify"}).options->pool.supervised);
  EXPECT_TRUE(Parse({"--handler", "line", "--cgi-dir", "/usr/lib"}).options);
  const std::vector<std::vector<std::string>> bad{
      {"--dispatch", "notify", "--cgi-dir", "/usr/lib"},
      {"--dispatch", "exclusive", "--control", "/run/c"},
      {"--dispatch", "notify", "--supervisor"},
      {"--dispatch", "notify", "--handler", "line", "--cgi-dir", "/usr"},
      {"--dispatch", "roulette"},
      {"--handler", "line"},
      {"--handler", "echo", "--mount", "/=files:/srv"}};
  for (const auto& each : bad) {
    const auto parsed = Parse(each);
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.complaint, ::testing::MatchesRegex("hydrapool: [^\n]*\n"));
  }
  EXPECT_EQ(Parse({"--cgi-symlinks", "some"}).exit_code, 2);
}

}  // namespace
}  // namespace hydrapool::server
