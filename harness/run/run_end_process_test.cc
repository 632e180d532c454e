#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <filesystem>

#include "harness/testing/run_fixture.h"
#include "pool/admin/client.h"
#include "pool/sys/child.h"
#include "pool/sys/socket.h"
#include "pool/testing/server_process.h"

namespace hydrapool::harness {
namespace {

using hydrapool::support::ServerProcess;
using testing::HasSubstr;

struct RunEndTest : RunFixture {};

/// A line for sh that starts a process with a session of its own, which writes its number into `file`.
std::string Daemon(const std::string& file) {
  return fmt::format(
      "setsid sh -c \"echo \\$\\$ > {0}; exec sleep 1000\" & while ! test -s {0}; do sleep 0.01; done; ",
      file);
}

bool IsGone(const std::string& pid_file) {
  const auto pidfd = sys::OpenPidfd(std::stoi(hydrapool::support::ReadFile(pid_file)));
  return !pidfd || hydrapool::support::Readable(pidfd.get(), std::chrono::seconds(10));
}

TEST_F(RunEndTest, AnInterruptWhileTheServerComesUpAbortsTheRun) {
  const std::string started = scratch / "started";
  auto run =
      Launch({"run", Scenario(fmt::format("name: x\nstart: {{ command: [sh, -c, 'echo > {}; sleep 60'], url: "
                                          "'http://127.0.0.1:1/' }}\nload: [{{ url: / }}]\n",
                                          started))});
  ASSERT_TRUE(hydrapool::support::Eventually([&] { return std::filesystem::exists(started); }));
  run.Signal(SIGINT);
  const auto end = Await(run);
  EXPECT_EQ(end.exit_code, 4) << end.screen;
  EXPECT_THAT(end.screen, HasSubstr("called off before the server was there"));
}

TEST_F(RunEndTest, AServerThatAnswersNobodyAbortsARunThatGoesOnHurtingIt) {
  ServerProcess server({.cgi_dir = ""});
  const auto end = Run({"run", Scenario(fmt::format(R"(name: x
attach: {{ parent: {0}, url: 'http://{1}', admin: '{2}' }}
load: [{{ url: /, rate: 50, keep_alive: false }}]
idle: 0
faults:
  - {{ fault: stop, target: parent, for: 60s, from: 300ms }}
  - {{ fault: kill, target: random, every: 100ms, from: 400ms }}
steady: {{ url: /, within: 500ms }}
duration: 60s
)",
                                                    server.pid(), server.address(), server.admin()))});
  EXPECT_EQ(end.exit_code, 4) << end.screen;
  EXPECT_THAT(end.screen, HasSubstr("no request was answered for 500 ms"));
  EXPECT_TRUE(server.AwaitTotal("requests", 1)) << "it serves again";
}

TEST_F(RunEndTest, AHarnessThatIsKilledLeavesNoDirectoryAndNoServer) {
  const std::filesystem::path temporary = scratch / "tmp";
  std::filesystem::create_directory(temporary);
  const std::string pid = scratch / "pid";
  auto run = Launch(
      {"run", Scenario(fmt::format("name: x\nstart: {{ command: [sh, -c, 'echo $$ > {0}.new; mv {0}.new {0}; "
                                   "sleep 60'], url: 'http://127.0.0.1:1/' }}\nload: [{{ url: / }}]\n",
                                   pid))},
      {{"TMPDIR", temporary}});
  ASSERT_TRUE(hydrapool::support::Eventually([&] { return std::filesystem::exists(pid); }));
  EXPECT_FALSE(std::filesystem::is_empty(temporary));
  run.Signal(SIGKILL);
  EXPECT_TRUE(hydrapool::support::Eventually([&] { return std::filesystem::is_empty(temporary); }));
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(RunEndTest, AServerThatGoesToTheBackgroundIsRefusedAndNothingOfItStays) {
  const std::string pid = scratch / "pid";
  const auto end =
      Run({"run", Scenario(fmt::format("name: x\nstart:\n  command: [sh, -c, '{}exit 0']\n  url: "
                                       "'http://127.0.0.1:1/'\nload: [{{ url: / }}]\n",
                                       Daemon(pid)))});
  EXPECT_EQ(end.exit_code, 2) << end.screen;
  EXPECT_THAT(end.screen, HasSubstr("ended at once (exit_0); what it left behind was killed"));
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(RunEndTest, AProcessWithASessionOfItsOwnThatOutlivesItsServerFailsTheRunAndIsEnded) {
  const std::string pid = scratch / "pid";
  const std::string address = sys::LocalAddress(sys::Listen("127.0.0.1:0").get());
  const auto end = Run(
      {"run", Scenario(fmt::format("name: x\nstart:\n  command: [sh, -c, '{0}exec {1}/hydrapool --listen {2} "
                                   "--admin off']\n  url: 'http://{2}/'\nload: [{{ url: /, rate: 50 }}]\n"
                                   "idle: 0\necho: off\nduration: 1s\n",
                                   Daemon(pid), HYDRAPOOL_BIN_DIR, address))});
  EXPECT_EQ(end.exit_code, 1) << end.screen;
  EXPECT_THAT(end.screen, HasSubstr("1 processes of the server outlived it"));
  EXPECT_TRUE(IsGone(pid));
}

// The port of a server that has ended may be another's by then.
TEST_F(RunEndTest, AnotherServerThatAnswersAtItsAdminAddressIsNotEndedForIt) {
  const ServerProcess stranger({.cgi_dir = ""});
  const std::string address = sys::LocalAddress(sys::Listen("127.0.0.1:0").get());
  const auto end =
      Run({"run",
           Scenario(fmt::format("name: x\n"
                                "start: {{ command: [timeout, -s, KILL, '5', '{}/hydrapool', --listen, '{}', "
                                "--admin, 'off', --no-supervisor], url: 'http://{}/', admin: '{}' }}\n"
                                "load: [{{ url: /, rate: 50 }}]\nidle: 0\necho: off\nduration: 8s\n",
                                HYDRAPOOL_BIN_DIR, address, address, stranger.admin()))});
  EXPECT_EQ(end.exit_code, 1) << end.screen;
  EXPECT_TRUE(admin::HttpGet(stranger.admin(), "/healthz", std::chrono::seconds(10))) << "it was told to end";
}

}  // namespace
}  // namespace hydrapool::harness
