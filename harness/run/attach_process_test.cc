#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <set>

#include "harness/testing/run_fixture.h"
#include "pool/admin/client.h"
#include "pool/sys/program.h"
#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

using Words = std::vector<std::string>;

/// A free port: nothing else here is told it before the server takes it.
std::string FreeAddress() { return sys::LocalAddress(sys::Listen("127.0.0.1:0").get()); }

/// Tells that a server is up: it writes its pid into the file `pid` once it listens.
class PidFileWatch {
 public:
  explicit PidFileWatch(const std::filesystem::path& directory)
      : inotify_(::inotify_init1(IN_CLOEXEC)), pid_file_(directory / "pid") {
    sys::Check(::inotify_add_watch(inotify_.get(), directory.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO),
               "inotify");
  }
  /// False: the server ended, or wrote nothing within 20 s.
  [[nodiscard]] bool Await(const sys::Child& server) const {
    while (hydrapool::support::ReadFile(pid_file_).empty()) {
      std::array<pollfd, 2> waited{{{inotify_.get(), POLLIN, 0}, {server.pidfd(), POLLIN, 0}}};
      if (::poll(waited.data(), waited.size(), 20'000) <= 0 || waited[1].revents != 0) return false;
      std::array<char, 4096> events;
      if (::read(inotify_.get(), events.data(), events.size()) <= 0) return false;
    }
    return true;
  }

 private:
  sys::UniqueFd inotify_;
  std::filesystem::path pid_file_;
};

/// A server of another make, with three workers that belong to this user.
struct AttachTest : RunFixture {
  void TearDown() override {
    if (!server) return;
    server.Signal(SIGTERM);
    static_cast<void>(hydrapool::support::Readable(server.pidfd(), milliseconds(5000)));
  }
  void Serve(const Words& command) {
    const PidFileWatch watch(scratch.path());
    server = sys::StartProgram(command, {.output = scratch / "log"});
    ASSERT_TRUE(watch.Await(server)) << hydrapool::support::ReadFile(scratch / "log");
    ASSERT_TRUE(admin::HttpGet(url(), milliseconds(5000))) << hydrapool::support::ReadFile(scratch / "log");
  }
  [[nodiscard]] std::string parent() const { return std::to_string(server.pid()); }
  [[nodiscard]] std::string url() const { return "http://" + address + "/"; }

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
    ServeBy(nginx, ::getuid() == 0 ? "user root;\n" : "");
  }
  void ServeBy(const std::string& nginx, const std::string& user, const std::string& more = "") {
    std::ofstream conf(scratch / "nginx.conf");
    conf << user;
    conf << "worker_processes 3;\ndaemon off;\npid " << scratch / "pid"
         << ";\nerror_log " << scratch / "error.log"
         << ";\nevents { worker_connections 1024; }\nhttp {\n  access_log off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
      conf << "  " << kind << "_temp_path " << scratch / kind << ";\n";
    conf << more << "  server { listen " << address << "; location / { return 200 \"hello\\n\"; } }\n}\n";
    conf.close();
    Serve({nginx, "-e", scratch / "error.log", "-c", scratch / "nginx.conf"});
  }
};

/// Each victim was replaced by a worker of its own, and that was seen unless it was hit itself before anybody
/// had looked; only those last hit may still wait at the end.
void ExpectEachReplacementSeen(const nlohmann::json& faults) {
  std::set<pid_t> replacements;
  std::set<pid_t> hit_later;
  std::size_t awaited = 0;
  for (auto at = faults.rbegin(); at != faults.rend(); ++at) {
    const auto& fault = *at;
    if (fault["outcome"] != "dead") continue;
    const auto& times = fault["timeline_us"];
    EXPECT_TRUE(times["dead"].is_number()) << fault;
    EXPECT_TRUE(times["reaped"].is_number()) << fault;
    EXPECT_TRUE(times["ready"].is_null()) << "it cannot be known from outside: " << fault;
    if (fault["replaced_by"].is_number()) {
      const pid_t replacement = fault["replaced_by"];
      EXPECT_TRUE(replacements.insert(replacement).second) << fault;
      EXPECT_EQ(times["forked"].is_null(), fault["unobserved"]) << fault;
      if (fault["unobserved"]) {
        EXPECT_TRUE(hit_later.contains(replacement)) << fault;
      }
    } else {
      EXPECT_FALSE(fault["unobserved"]) << "no worker ended by itself: " << fault;
      EXPECT_TRUE(replacements.empty()) << fault;
      ++awaited;
    }
    hit_later.insert(fault["pid"].get<pid_t>());
  }
  EXPECT_GT(replacements.size(), 0u);
  EXPECT_LE(awaited, 3u) << "there are no more to be replaced";
}

TEST_F(NginxTest, TellsWhatEachKillCostAndWhenItsVictimWasReplaced) {
  const auto finished =
      Run({"attach", "--parent", parent(), "--every", "150ms", "--from", "300ms", "--duration", "5s", url()});
  EXPECT_EQ(finished.exit_code, 0) << finished.screen;
  const auto& json = finished.json;
  EXPECT_GE(json["per_fault"]["landed"], 10);
  EXPECT_GT(json["requests"]["lost"], 0) << "nginx gives up what a killed worker held";
  EXPECT_GT(json["requests"]["idle_lost"], 0);
  EXPECT_EQ(json["requests"]["unexplained"], 0);
  ExpectEachReplacementSeen(json["faults"]);
}

TEST_F(NginxTest, NothingIsLostWhereNobodyIsKilled) {
  const auto finished = Run({"attach", "--parent", parent(), "--no-faults", "--duration", "1s", "--expect",
                             "lost=0", "--expect", "cut=0", "--expect", "idle_lost=0", url()});
  EXPECT_EQ(finished.exit_code, 0) << finished.screen;
  EXPECT_GT(finished.json["requests"]["ok"], 100);
}

TEST_F(NginxTest, WhatIsExpectedAndDoesNotHoldFails) {
  const auto finished = Run({"attach", "--parent", parent(), "--every", "150ms", "--from", "300ms",
                             "--duration", "1500ms", "--expect", "idle_lost=0", url()});
  EXPECT_EQ(finished.exit_code, 1) << finished.screen;
  EXPECT_THAT(finished.screen, HasSubstr("idle connections lost: "));
  EXPECT_THAT(finished.screen, HasSubstr("again      harness attach --parent " + parent()));
}

/// nginx as distributions start it, with helpers beside its workers: its master is root's, they are nobody's.
struct RootsNginxTest : NginxTest {
  void SetUp() override {
    const std::string nginx = ProgramFor("nginx");
    if (nginx.empty()) GTEST_SKIP() << "nginx is not installed (package nginx-light)";
    if (::getuid() != 0) GTEST_SKIP() << "only root can start it so";
    std::filesystem::permissions(scratch.path(), std::filesystem::perms::all);
    ServeBy(nginx, "user nobody nogroup;\n",
            "  proxy_cache_path " + (scratch / "cache") + " keys_zone=z:1m;\n");
  }
};

TEST_F(RootsNginxTest, IsHurtByRootThatSaysSoAndOnlyItsWorkersAre) {
  const Words faults{"--every", "100ms", "--from", "200ms", "--duration", "1500ms", url()};
  Words refused{"attach", "--parent", parent()};
  refused.insert(refused.end(), faults.begin(), faults.end());
  const auto without = Run(refused);
  EXPECT_EQ(without.exit_code, 2) << without.screen;
  EXPECT_THAT(without.screen,
              testing::AllOf(HasSubstr("belongs to another user, nobody"), HasSubstr("--any-user")));

  Words allowed{"attach", "--any-user", "--parent", parent()};
  allowed.insert(allowed.end(), faults.begin(), faults.end());
  const auto with = Run(allowed);
  EXPECT_EQ(with.exit_code, 0) << with.screen;
  EXPECT_GE(with.json["per_fault"]["landed"], 5);
  for (const auto& fault : with.json["faults"]) EXPECT_EQ(fault["proof"], "confirmed") << fault;
  ExpectEachReplacementSeen(with.json["faults"]);
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
    conf << "ServerRoot " << scratch.path().string() << "\nServerName localhost\nListen " << address
         << "\nPidFile " << scratch / "pid"
         << "\nErrorLog " << scratch / "error.log"
         << "\nLoadModule mpm_prefork_module " << modules
         << "mod_mpm_prefork.so\nLoadModule authz_core_module " << modules
         << "mod_authz_core.so\nLoadModule dir_module " << modules << "mod_dir.so\nDocumentRoot "
         << scratch / "html"
         << "\nStartServers 8\nMinSpareServers 8\nMaxRequestWorkers 32\nMutex file:"
         << scratch.path().string() << "\nMaxKeepAliveRequests 0\nKeepAliveTimeout 60\n";
    conf.close();
    if (::getuid() == 0) {
      constexpr uid_t kNobody = 65534;
      before = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
      sys::Check(::chown(scratch.path().c_str(), kNobody, kNobody), "chown");
    }
    Words command = before;
    command.insert(command.end(), {apache, "-DFOREGROUND", "-f", scratch / "apache.conf"});
    Serve(command);
  }
};

TEST_F(Apache2Test, TellsWhatEachKillCost) {
  const auto finished = Run({"attach", "--parent", parent(), "--connections", "8", "--idle", "4", "--every",
                             "200ms", "--from", "300ms", "--duration", "5s", url()},
                            {}, before);
  EXPECT_EQ(finished.exit_code, 0) << finished.screen;
  EXPECT_GE(finished.json["per_fault"]["landed"], 5);
  EXPECT_EQ(finished.json["requests"]["unexplained"], 0);
}

}  // namespace
}  // namespace hydrapool::harness
