#include "pool/options.h"

#include "pool/option_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace hydrapool::server {
namespace {

struct Parsed {
  std::optional<Options> options;
  int exit_code = 0;
  std::string complaint;
  std::string output = {};
};

Parsed Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "hydrapool");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  Parsed parsed;
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  parsed.options = ParseOptions(static_cast<int>(arguments.size()), argv.data(), parsed.exit_code);
  parsed.complaint = ::testing::internal::GetCapturedStderr();
  parsed.output = ::testing::internal::GetCapturedStdout();
  return parsed;
}

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) { std::ofstream(path_) << text; }
  ~ConfigFile() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = ::testing::TempDir() + "hydrapool_options_test." + std::to_string(::getpid()) + ".toml";
};

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

TEST(OptionsTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
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

TEST(OptionsTest, AnUnknownNameInTheFileIsSaidWithTheFile) {
  const ConfigFile file("lisen = \":1\"\n");
  const auto parsed = Parse({"--config", file.path()});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.complaint,
              ::testing::AllOf(::testing::HasSubstr(file.path()), ::testing::HasSubstr("lisen")));
}

TEST(OptionsTest, WhatIsWrongInTheFileIsSaidWithItsLineAndKey) {
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

TEST(OptionsTest, TheEnvironmentCanNameTheFile) {
  const ConfigFile file("workers = 3\n");
  ::setenv("HYDRAPOOL_CONFIG", file.path().c_str(), 1);
  const auto parsed = Parse({});
  const auto other = Parse({"--config", "/no/such/file"});
  ::unsetenv("HYDRAPOOL_CONFIG");
  ASSERT_TRUE(parsed.options) << parsed.complaint;
  EXPECT_EQ(parsed.options->pool.workers, 3u);
  EXPECT_EQ(other.exit_code, 2);
}

TEST(OptionsTest, AVariableThatNamesNoOptionIsNoticed) {
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

TEST(OptionsTest, ConfigSaysWhatIsInForceAndWhereItComesFrom) {
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
}

TEST(OptionsTest, TheReferenceFileHasEveryOptionAndItsDefaultsAreTaken) {
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

TEST(OptionsTest, TheReadySitesAreRead) {
  int sites = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HYDRAPOOL_SOURCE_DIR "/scripts/sites")) {
    const auto parsed = Parse({"--config", entry.path().string()});
    ASSERT_TRUE(parsed.options) << entry.path() << ": " << parsed.complaint;
    EXPECT_FALSE(parsed.options->site.mounts.empty()) << entry.path();
    ++sites;
  }
  EXPECT_GE(sites, 3);
}

TEST(OptionsTest, MountsMayBeTables) {
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

TEST(OptionsTest, AllThatIsWrongWithTablesIsSaidWithLineAndKey) {
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

// Neither a list that is not well formed nor a key that is missing hides what else is wrong with a table.
TEST(OptionsTest, OneFaultOfATableHidesNoOther) {
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

TEST(OptionsTest, LimitsOfCgroupsNeedOne) {
  const auto given = Parse({"--cgi-dir", "/srv", "--cgi-cgroup", "/sys/fs/cgroup/x", "--cgi-limit",
                            "memory-max=512M", "--program-rule", "/a=limit:tasks-max=64"});
  ASSERT_TRUE(given.options) << given.complaint;
  EXPECT_EQ(given.options->site.cgi->cgroup, "/sys/fs/cgroup/x");
  EXPECT_EQ(given.options->site.cgi->limits.together.memory_max, 512u << 20);
  EXPECT_EQ(cgi::ProgramRules({}, given.options->site.cgi->rules).Of("/a/b").limits.together.tasks_max, 64u);
  const auto complaint = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"--cgi-dir", "/srv"});
    return Parse(words).complaint;
  };
  EXPECT_THAT(complaint({"--cgi-limit", "memory-max=1G"}),
              ::testing::HasSubstr("memory-max: a limit of cgroups"));
  EXPECT_THAT(complaint({"--program-rule", "/a=limit:tasks-max=9"}),
              ::testing::HasSubstr("tasks-max: a limit"));
  EXPECT_THAT(complaint({"--cgi-limit", "tasks-max=1G"}), ::testing::HasSubstr("is no limit"));
  EXPECT_THAT(complaint({"--cgi-cgroup", "/x", "--program-rule", "/a=user:nobody"}),
              ::testing::HasSubstr("--cgi-cgroup: not with programs as other users (/a=user:nobody)"));
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
  EXPECT_EQ(ListenAt::Parse("unix:/run/a,b.sock")->address, "unix:/run/a,b.sock");
  for (const char* bad : {"unix:/run/a,mode=999", "unix:/run/a,owner=nobody-of-that-name", ":80,mode=660"})
    EXPECT_EQ(Parse({"--listen", bad}).exit_code, 2) << bad;
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
