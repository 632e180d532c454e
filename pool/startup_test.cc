#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "pool/sys/privileges.h"
#include "pool/sys/socket.h"
#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

Finished Hydrapool(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), HYDRAPOOL_BIN_DIR "/hydrapool");
  return RunProgram(arguments);
}

long Lines(const std::string& text) { return std::ranges::count(text, '\n'); }

TEST(StartupTest, ABusyPortIsOneLineAndExitCode1) {
  const auto busy = sys::Listen("127.0.0.1:0");
  const std::string address = sys::LocalAddress(busy.get());
  const Finished taken = Hydrapool({"--listen", address, "--admin", "off"});
  EXPECT_EQ(taken.status.code, 1);
  EXPECT_EQ(Lines(taken.output), 1) << taken.output;
  EXPECT_THAT(taken.output, ::testing::HasSubstr(address + ": Address already in use"));
  const Finished admin = Hydrapool({"--listen", "127.0.0.1:0", "--admin", address, "--log-level", "warn"});
  EXPECT_EQ(admin.status.code, 1);
  EXPECT_EQ(Lines(admin.output), 1) << admin.output;
}

TEST(StartupTest, WrongFlagsAreOneLineAndExitCode2) {
  const std::vector<std::vector<std::string>> wrong{
      {"--nonsense"},         {"--workers", "0"},        {"--workers", "many"},      {"--listen", "nowhere"},
      {"--listen", ":70000"}, {"--cgi-prefix", "cgi"},   {"--balance", "best"},      {"--cgi-timeout", "-1"},
      {"--admin", "x"},       {"--cgi-env", "NO_VALUE"}, {"--user", "no-such-user"}, {"127.0.0.1"},
      {"127.0.0.1", "http"}};
  for (const auto& arguments : wrong) {
    const Finished finished = Hydrapool(arguments);
    EXPECT_TRUE(finished.in_time);
    EXPECT_EQ(finished.status.code, 2) << arguments[0];
    EXPECT_EQ(Lines(finished.output), 1) << finished.output;
  }
}

TEST(StartupTest, ADirectoryThatCannotBeUsedIsOneLineAndExitCode1) {
  const ScratchDir scratch;
  for (const std::string& path : {scratch / "missing", std::string("/etc/hostname")}) {
    const Finished finished = Hydrapool({"--listen", "127.0.0.1:0", "--admin", "off", "--cgi-dir", path});
    EXPECT_EQ(finished.status.code, 1) << path;
    EXPECT_EQ(Lines(finished.output), 1) << finished.output;
    EXPECT_THAT(finished.output, ::testing::HasSubstr(path));
  }
}

TEST(StartupTest, CheckFindsAHostThatIsNotKnown) {
  for (const std::string flag : {"--listen", "--admin"}) {
    const Finished finished = Hydrapool({"--check", flag, "no-such-host.invalid:80"});
    EXPECT_EQ(finished.status.code, 1) << flag;
    EXPECT_EQ(Lines(finished.output), 1) << finished.output;
    EXPECT_THAT(finished.output, ::testing::HasSubstr(flag + " 'no-such-host.invalid:80': "));
  }
  for (const std::string good : {"localhost:80", "[::1]:80", ":80", "unix:/no/such/directory/yet", "systemd"})
    EXPECT_EQ(Hydrapool({"--check", "--listen", good}).status.code, 0) << good;
}

TEST(StartupTest, CheckFindsAnAddressThatIsThereTwice) {
  const Finished finished = Hydrapool({"--check", "--listen", "127.0.0.1:81", "--admin", "127.0.0.1:81"});
  EXPECT_EQ(finished.status.code, 1);
  EXPECT_EQ(finished.output, "hydrapool: --admin '127.0.0.1:81': --listen listens there already\n");
  EXPECT_EQ(Hydrapool({"--check", "--control", "/run/x", "--admin", "unix:/run/x"}).status.code, 1);
  EXPECT_EQ(Hydrapool({"--check", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"}).status.code, 0);
}

TEST(StartupTest, CheckFindsAFileOrDirectoryWhereASocketIsToBe) {
  const ScratchDir scratch;
  const std::string file = scratch / "file";
  std::ofstream(file) << "precious";
  std::filesystem::create_directory(scratch / "directory");
  std::filesystem::create_symlink("nowhere", scratch / "link");
  for (const std::string& path : {file, scratch / "directory", scratch / "link", file + "/socket"}) {
    for (const std::string flag : {"--listen", "--admin", "--control"}) {
      const std::string place = flag == "--control" ? path : "unix:" + path;
      const Finished finished =
          Hydrapool({"--check", flag, flag == "--listen" ? place + ",mode=660" : place});
      EXPECT_EQ(finished.status.code, 1) << flag << " " << path;
      EXPECT_EQ(Lines(finished.output), 1) << finished.output;
      EXPECT_THAT(finished.output, ::testing::HasSubstr(flag + " 'unix:" + path + "'"));
    }
  }
  EXPECT_EQ(Hydrapool({"--check", "--control", "/" + std::string(107, 'x')}).status.code, 1);
  const ServerProcess server({.listen = "unix:" + (scratch / "socket")});
  EXPECT_EQ(Hydrapool({"--check", "--listen", "unix:" + (scratch / "socket")}).status.code, 0);
}

// What is good is not good by accident: each of these differs from it in one thing.
TEST(StartupTest, CheckFindsWhatAStartWouldRefuseOrRequestsFailBy) {
  const ScratchDir scratch;
  std::filesystem::permissions(scratch.path(), std::filesystem::perms(0755));
  std::ofstream(scratch / "users") << "joe:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0\n";
  std::filesystem::copy(scratch / "users", scratch / "own");
  for (const std::string name : {"programs", "files", "secret"})
    std::filesystem::create_directory(scratch.path() / name);
  std::filesystem::permissions(scratch / "own", std::filesystem::perms(0600));
  std::filesystem::permissions(scratch / "secret", std::filesystem::perms(0700));
  const auto check = [&scratch](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"--check", "--cgi-dir", scratch / "programs"});
    const Finished finished = Hydrapool(flags);
    EXPECT_EQ(Lines(finished.output), 1) << finished.output;
    return finished.ok() ? "good" : finished.output;
  };
  const std::string users = scratch / "users";
  const std::string rule = "--program-rule";
  EXPECT_EQ(check({"--require", "/a=" + users, "--document-root", scratch / "files", "--cgi-prefix", "/a/"}),
            "good");
  const std::vector<std::pair<std::vector<std::string>, std::string>> faults{
      {{"--require", "/a=" + users, "--require", "/a=" + (scratch / "own")}, "two passwords"},
      {{"--require", "/a%20b=" + users}, "without escapes"},
      {{"--cgi-prefix", "/a//b/"}, "'/a//b/' is no path"},
      {{"--cgi-prefix", "/a%20b/"}, "escapes (%20)"},
      {{"--body-dir", "/nonexistent"}, "--body-dir /nonexistent: No such"},
      {{"--document-root", "/nonexistent"}, "--document-root /nonexistent: No such"},
      {{rule, "/cgi-bin=user:daemon"}, "needs a start as root, with --user"}};
  for (const auto& [flags, why] : faults) EXPECT_THAT(check(flags), ::testing::HasSubstr(why));
  if (::geteuid() != 0) GTEST_SKIP() << "the rest is for root";
  const auto as_nobody = [&](std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--user", "nobody"});
    return check(flags);
  };
  EXPECT_EQ(as_nobody({rule, "/cgi-bin=user:daemon", "--require", "/a=" + users}), "good");
  EXPECT_THAT(as_nobody({"--require", "/a=" + (scratch / "own")}), ::testing::HasSubstr("Permission denied"));
  EXPECT_THAT(as_nobody({"--mount", "/s=files:" + (scratch / "secret")}),
              ::testing::HasSubstr("Permission denied"));
  EXPECT_THAT(as_nobody({rule, "/cgi-bin=user:nosuchuser"}), ::testing::HasSubstr("nosuchuser"));
  EXPECT_THAT(as_nobody({rule, "/cgi-bin=user:root"}), ::testing::HasSubstr("no program is started as root"));
}

TEST(StartupTest, AFileThatIsNoSocketIsNotReplacedByOne) {
  const ScratchDir scratch;
  const std::string path = scratch / "precious";
  std::ofstream(path) << "precious";
  const Finished finished = Hydrapool({"--listen", "unix:" + path, "--admin", "off"});
  EXPECT_EQ(finished.status.code, 1);
  EXPECT_EQ(Lines(finished.output), 1) << finished.output;
  EXPECT_EQ(ReadFile(path), "precious");
}

TEST(StartupTest, AUnixSocketIsWhoseItIsSaidToBe) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a socket away";
  const ScratchDir scratch;
  const std::string path = scratch / "socket";
  ServerProcess server(
      {.flags = {"--socket-owner", "daemon:nogroup", "--socket-mode", "660", "--user", "nobody"},
       .supervised = true,
       .listen = "unix:" + path});
  struct stat there {};
  ASSERT_EQ(::lstat(path.c_str(), &there), 0);
  EXPECT_EQ(there.st_uid, sys::FindUser("daemon")->uid);
  EXPECT_EQ(there.st_gid, sys::FindUser("nobody")->gid);
  EXPECT_EQ(there.st_mode & 07777, 0660u);
  server.Signal(SIGHUP);
  EXPECT_TRUE(
      Eventually([&] { return server.Log().find("lives on under a new program") != std::string::npos; }));
  EXPECT_TRUE(HttpClient("unix:" + path).Ask(Get("/")));
}

TEST(StartupTest, WhoCannotGiveASocketAwaySaysSo) {
  const std::vector<std::string> as_nobody{"setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"};
  auto reach = as_nobody;
  reach.insert(reach.end(), {"test", "-x", HYDRAPOOL_BIN_DIR "/hydrapool"});
  if (::geteuid() != 0 || RunProgram(reach).status.code != 0) GTEST_SKIP() << "no way to start it as nobody";
  const ScratchDir scratch;
  std::filesystem::permissions(scratch.path(), std::filesystem::perms(0777));
  auto command = as_nobody;
  command.insert(command.end(), {HYDRAPOOL_BIN_DIR "/hydrapool", "--admin", "off", "--listen",
                                 "unix:" + (scratch / "socket"), "--socket-owner", "daemon"});
  const Finished finished = RunProgram(command);
  EXPECT_EQ(finished.status.code, 1);
  EXPECT_EQ(Lines(finished.output), 1) << finished.output;
  EXPECT_THAT(finished.output, ::testing::HasSubstr("chown"));
}

uid_t OwnerOf(pid_t pid) {
  const std::string status = ReadFile(fmt::format("/proc/{}/status", pid));
  return static_cast<uid_t>(std::stoul(status.substr(status.find("Uid:") + 4)));
}

constexpr const char* kProgram = R"sh(#!/bin/sh
printf 'Content-Type: text/plain\n\n%s %s ' "$(id -u)" "$(id -G)"
cat /proc/$PPID/environ 2>/dev/null || echo hidden
)sh";

/// All of the server and its programs run as nobody, from whom the server hides its environment.
void ExpectRunsAsNobody(ServerOptions options) {
  const auto nobody = *sys::FindUser("nobody");
  const ScratchDir scratch;
  const std::filesystem::path program = scratch / "who";
  std::ofstream(program) << kProgram;
  for (const auto& path : {scratch.path(), program})
    std::filesystem::permissions(path, std::filesystem::perms(0755));
  options.cgi_dir = scratch.path();
  ServerProcess server(options);
  ASSERT_TRUE(server.AwaitQuiet());
  server.SignalWorker(server.Workers().front(), SIGKILL);
  ASSERT_TRUE(server.AwaitTotal("exits", 1));
  ASSERT_TRUE(server.AwaitQuiet());
  for (const pid_t pid : {server.pid(), server.Workers()[0], server.Workers()[1]})
    EXPECT_EQ(OwnerOf(pid), nobody.uid);
  const auto answer = HttpClient(server.address()).Ask("GET /cgi-bin/who HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, fmt::format("{} {} hidden\n", nobody.uid, nobody.gid));
  EXPECT_TRUE(server.Stop().clean());
}

TEST(StartupTest, RootBecomesAnotherWhomProgramsRunAsToo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another";
  ExpectRunsAsNobody({.flags = {"--user", "nobody"}});
}

TEST(StartupTest, ProgramsOfTheSameUserSeeNothingOfTheServer) {
  const std::vector<std::string> as_nobody{"setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"};
  auto reach = as_nobody;
  reach.insert(reach.end(), {"test", "-x", HYDRAPOOL_BIN_DIR "/hydrapool"});
  if (::geteuid() != 0 || RunProgram(reach).status.code != 0) GTEST_SKIP() << "no way to start it as nobody";
  ExpectRunsAsNobody({.before = as_nobody});
}

TEST(StartupTest, DescriptorsLeftClosedAreNotGivenToSockets) {
  ServerProcess server({.before = {"sh", "-c", "exec \"$@\" <&- >&-", "sh"}});
  ASSERT_TRUE(server.AwaitQuiet());
  for (const pid_t pid : {server.pid(), server.Workers().front()}) {
    for (const char* fd : {"0", "1"})
      EXPECT_EQ(std::filesystem::read_symlink(fmt::format("/proc/{}/fd/{}", pid, fd)), "/dev/null");
  }
  EXPECT_TRUE(server.Stop().clean());
}

TEST(StartupTest, HelpAndVersionAreNoErrors) {
  EXPECT_THAT(Hydrapool({"--help"}).output, ::testing::HasSubstr("Examples:"));
  EXPECT_TRUE(Hydrapool({"--version"}).ok());
}

}  // namespace
}  // namespace hydrapool::support
