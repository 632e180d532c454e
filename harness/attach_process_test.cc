#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/program.h"
#include "pool/admin/client.h"
#include "pool/sys/socket.h"

namespace harness {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

struct Finished {
  int exit_code = -1;
  std::string output;
  nlohmann::json json;
};

/// A free port: nothing else here is told it before the server takes it.
std::string FreeAddress() { return sys::LocalAddress(sys::Listen("127.0.0.1:0").get()); }

bool Answers(const std::string& address) {
  for (int tries = 0; tries < 500; ++tries) {
    if (admin::HttpGet("http://" + address + "/", milliseconds(1000))) return true;
    ::usleep(10'000);
  }
  return false;
}

using Words = std::vector<std::string>;

Words Joined(Words first, const Words& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// `before`: what to run it by.
Finished Harness(const ScratchDir& scratch, const Words& arguments, const Words& before = {}) {
  const std::string log = scratch / "harness.log";
  const std::string json = scratch / "result.json";
  std::filesystem::remove(log);
  std::filesystem::remove(json);
  const Words program = Joined(before, {HYDRAPOOL_BIN_DIR "/harness"});
  auto child = StartProgram(Joined(Joined(program, arguments), {"--json", json}), log);
  Finished finished;
  if (!EndsWithin(child.pidfd(), milliseconds(60'000))) return finished;
  finished.exit_code = child.TryReap()->code;
  finished.output = ReadFile(log);
  finished.json = nlohmann::json::parse(ReadFile(json), nullptr, false);
  return finished;
}

/// A server of another make, with three workers that belong to this user.
struct AttachTest : testing::Test {
  void TearDown() override {
    if (!server) return;
    server.Signal(SIGTERM);
    static_cast<void>(EndsWithin(server.pidfd(), milliseconds(5000)));
  }
  [[nodiscard]] std::string parent() const { return std::to_string(server.pid()); }
  [[nodiscard]] std::string url() const { return "http://" + address + "/"; }

  ScratchDir scratch;
  std::string address = FreeAddress();
  sys::Child server;
};

std::string ProgramFor(const std::string& name) {
  for (const char* directory : {"/usr/sbin/", "/usr/bin/"}) {
    if (std::filesystem::exists(directory + name)) return directory + name;
  }
  return "";
}

struct NginxTest : AttachTest {
  void SetUp() override {
    const std::string nginx = ProgramFor("nginx");
    if (nginx.empty()) GTEST_SKIP() << "nginx is not installed (package nginx-light)";
    std::ofstream conf(scratch / "nginx.conf");
    if (::getuid() == 0) conf << "user root;\n";
    conf << "worker_processes 3;\ndaemon off;\npid " << scratch / "pid"
         << ";\nerror_log " << scratch / "error.log"
         << ";\nevents { worker_connections 1024; }\nhttp {\n  access_log off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
      conf << "  " << kind << "_temp_path " << scratch / kind << ";\n";
    conf << "  server { listen " << address << "; location / { return 200 \"hello\\n\"; } }\n}\n";
    conf.close();
    server =
        StartProgram({nginx, "-e", scratch / "error.log", "-c", scratch / "nginx.conf"}, scratch / "log");
    ASSERT_TRUE(Answers(address)) << ReadFile(scratch / "log");
  }
};

TEST_F(NginxTest, TellsWhatEachKillCostAndWhenItsVictimWasReplaced) {
  const auto finished = Harness(scratch, {"attach", "--parent", parent(), "--every", "150ms", "--from",
                                          "300ms", "--duration", "2500ms", url()});
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  const auto& json = finished.json;
  EXPECT_GE(json["per_fault"]["landed"], 10);
  EXPECT_GT(json["requests"]["lost"], 0) << "nginx gives up what a killed worker held";
  EXPECT_GT(json["requests"]["idle_lost"], 0);
  EXPECT_EQ(json["requests"]["unexplained"], 0);
  for (const auto& fault : json["faults"]) {
    EXPECT_TRUE(fault["timeline_us"]["dead"].is_number()) << fault;
    EXPECT_TRUE(fault["timeline_us"]["reaped"].is_number()) << fault;
    EXPECT_TRUE(fault["timeline_us"]["forked"].is_number()) << fault;
    EXPECT_TRUE(fault["timeline_us"]["ready"].is_null()) << "nobody outside can know";
  }
}

TEST_F(NginxTest, NothingIsLostWhereNobodyIsKilled) {
  const auto finished =
      Harness(scratch, {"attach", "--parent", parent(), "--no-faults", "--duration", "1s", "--expect",
                        "lost=0", "--expect", "cut=0", "--expect", "idle_lost=0", url()});
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  EXPECT_GT(finished.json["requests"]["ok"], 100);
}

TEST_F(NginxTest, WhatIsExpectedAndDoesNotHoldFails) {
  const auto finished = Harness(scratch, {"attach", "--parent", parent(), "--every", "150ms", "--from",
                                          "300ms", "--duration", "1500ms", "--expect", "idle_lost=0", url()});
  EXPECT_EQ(finished.exit_code, 1) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("idle connections lost: "));
  EXPECT_THAT(finished.output, HasSubstr("again      harness attach --parent " + parent()));
  const auto at = finished.output.find("look at    ");
  if (at != std::string::npos) {
    const std::string kept = finished.output.substr(at + 11);
    std::filesystem::remove_all(kept.substr(0, kept.find('\n')));
  }
}

/// Apache refuses to serve as root: there it and the harness run as nobody.
struct Apache2Test : AttachTest {
  Words before;

  void SetUp() override {
    const std::string apache = ProgramFor("apache2");
    if (apache.empty()) GTEST_SKIP() << "apache2 is not installed (package apache2-bin)";
    std::filesystem::create_directory(scratch / "html");
    std::ofstream(scratch / "html/index.html") << "hello\n";
    std::ofstream conf(scratch / "apache.conf");
    const std::string modules = "/usr/lib/apache2/modules/";
    conf << "ServerRoot " << scratch.path() << "\nServerName localhost\nListen " << address << "\nPidFile "
         << scratch / "pid"
         << "\nErrorLog " << scratch / "error.log"
         << "\nLoadModule mpm_prefork_module " << modules
         << "mod_mpm_prefork.so\nLoadModule authz_core_module " << modules
         << "mod_authz_core.so\nLoadModule dir_module " << modules << "mod_dir.so\nDocumentRoot "
         << scratch / "html"
         << "\nStartServers 8\nMinSpareServers 8\nMaxRequestWorkers 32\nMutex file:" << scratch.path()
         << "\nMaxKeepAliveRequests 0\nKeepAliveTimeout 60\n";
    conf.close();
    if (::getuid() == 0) {
      constexpr uid_t kNobody = 65534;
      before = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
      sys::Check(::chown(scratch.path().c_str(), kNobody, kNobody), "chown");
    }
    server = StartProgram(Joined(before, {apache, "-DFOREGROUND", "-f", scratch / "apache.conf"}),
                          scratch / "log");
    if (!Answers(address)) GTEST_SKIP() << "apache2 does not start here: " << LastLineOf(scratch / "log");
  }
};

TEST_F(Apache2Test, TellsWhatEachKillCost) {
  const auto finished = Harness(scratch,
                                {"attach", "--parent", parent(), "--connections", "8", "--idle", "4",
                                 "--every", "200ms", "--from", "300ms", "--duration", "2s", url()},
                                before);
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  EXPECT_GE(finished.json["per_fault"]["landed"], 5);
  EXPECT_EQ(finished.json["requests"]["unexplained"], 0);
}

}  // namespace
}  // namespace harness
