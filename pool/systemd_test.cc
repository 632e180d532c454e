#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "pool/sys/kill.h"
#include "pool/sys/socket.h"
#include "pool/testing/command.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

// What a service manager hands over, and what it is told.
namespace hydrapool::support {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A service manager's end of NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  }
  /// Until a message with these words has come; what has come by then, and was not taken yet: up to it. "":
  /// it never came.
  std::string Await(const std::string& words) {
    std::string all;
    const bool came = Eventually([&] {
      while (const auto message = Next()) {
        all += *message + "\n";
        if (message->find(words) != std::string::npos) return true;
      }
      return false;
    });
    EXPECT_TRUE(came) << words << " never came; but: " << all;
    return came ? all : "";
  }

 private:
  std::optional<std::string> Next() {
    char buffer[4096];
    const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    return got < 0 ? std::nullopt : std::make_optional<std::string>(buffer, static_cast<std::size_t>(got));
  }
  sys::UniqueFd fd_;
};

class SystemdTest : public ::testing::Test {
 protected:
  /// The server's command behind this one finds `sockets` as descriptors from 3 on, `variables` beside them.
  static std::vector<std::string> HandingOver(const std::vector<int>& sockets, const std::string& variables) {
    std::string script = variables + " exec \"$@\"";
    for (std::size_t i = 0; i < sockets.size(); ++i) script += fmt::format(" {}<&{}", 3 + i, sockets[i]);
    return {"bash", "-c", script, "bash"};
  }
  /// A descriptor that a child inherits, of a number that is none of those handed over.
  static sys::UniqueFd Inheritable(const sys::UniqueFd& fd) {
    return sys::UniqueFd(::fcntl(fd.get(), F_DUPFD, 20));
  }
  static pid_t ParentOf(const ServerProcess& server) {
    return server.Status().at("parent").at("pid").get<pid_t>();
  }
  static Finished Refused(std::vector<std::string> before, const std::vector<std::string>& flags) {
    before.insert(before.end(), {HYDRAPOOL_BIN_DIR "/hydrapool", "--admin", "off", "--log-level", "warn"});
    before.insert(before.end(), flags.begin(), flags.end());
    Finished finished = RunProgram(before);
    EXPECT_EQ(finished.status.code, 1);
    EXPECT_EQ(std::ranges::count(finished.output, '\n'), 1) << finished.output;
    return finished;
  }

  ScratchDir scratch_;
};

TEST_F(SystemdTest, ServesOnTheSocketsHandedOverAlsoAfterReloadUpgradeAndTheSupervisorsDeath) {
  const auto socket = sys::Listen("127.0.0.1:0");
  const std::string address = sys::LocalAddress(socket.get());
  const auto handed = Inheritable(socket);
  ServerProcess server({.supervised = true,
                        .before = HandingOver({handed.get()}, "LISTEN_PID=$$ LISTEN_FDS=1"),
                        .listen = ""});
  ASSERT_EQ(server.address(), address);
  HttpClient kept(address);
  ASSERT_TRUE(kept.Ask(Get("/")));
  pid_t parent = ParentOf(server);
  for (const int signal : {SIGHUP, SIGUSR2, SIGKILL}) {
    server.Signal(signal);
    ASSERT_TRUE(server.Await([&](const auto& status) {
      const bool takes_place = status.at("pid") == parent;
      const bool is_new = status.at("parent").at("pid") != parent;
      return (signal == SIGKILL ? takes_place : is_new) && status.at("readiness") == "ready";
    }));
    parent = ParentOf(server);
    EXPECT_TRUE(HttpClient(address).Ask(Get("/?new")));
    EXPECT_TRUE(kept.Ask(Get("/?kept"))) << kept.error();
  }
}

TEST_F(SystemdTest, SocketsAreChosenByTheirNames) {
  const auto http = sys::Listen("127.0.0.1:0");
  const auto local = sys::Listen("unix:" + (scratch_ / "local"));
  const auto handed = Inheritable(http);
  const auto other = Inheritable(local);
  ServerProcess server({.flags = {"--listen", "systemd:http"},
                        .before = HandingOver({other.get(), handed.get()},
                                              "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=local:http"),
                        .listen = ""});
  EXPECT_EQ(server.address(), sys::LocalAddress(http.get()));
  EXPECT_THAT(server.Log(),
              HasSubstr("the socket 'local' was handed over, and no --listen systemd:local takes it"));
  EXPECT_TRUE(HttpClient(server.address()).Ask(Get("/")));
}

TEST_F(SystemdTest, WhatIsMeantForAnotherProcessCountsForNothing) {
  const auto socket = sys::Listen("127.0.0.1:0");
  const auto handed = Inheritable(socket);
  ServerProcess server({.before = HandingOver({handed.get()}, "LISTEN_PID=1 LISTEN_FDS=1")});
  EXPECT_NE(server.address(), sys::LocalAddress(socket.get()));
  EXPECT_THAT(
      Refused(HandingOver({handed.get()}, "LISTEN_PID=1 LISTEN_FDS=1"), {"--listen", "systemd"}).output,
      HasSubstr("cannot listen on systemd: no such socket was handed over"));
}

TEST_F(SystemdTest, WhatIsNoListeningSocketIsALineAndExitCode1) {
  const auto socket = sys::Listen("127.0.0.1:0");
  const auto handed = Inheritable(socket);
  const sys::UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto wrong = Inheritable(file);
  const sys::UniqueFd datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto datagram = Inheritable(datagrams);
  for (const int fd : {wrong.get(), datagram.get()}) {
    EXPECT_THAT(Refused(HandingOver({handed.get(), fd}, "LISTEN_PID=$$ LISTEN_FDS=2"), {}).output,
                HasSubstr("descriptor 4 ('') is no listening stream socket"));
  }
  EXPECT_THAT(Refused(HandingOver({}, "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http"), {}).output,
              HasSubstr("descriptor 3 ('http')"));
  EXPECT_THAT(
      Refused(HandingOver({handed.get()}, "LISTEN_PID=$$ LISTEN_FDS=1"), {"--listen", "systemd:x"}).output,
      HasSubstr("cannot listen on systemd:x"));
}

TEST_F(SystemdTest, TheManagerIsToldOfReadinessReloadsAndTheEnd) {
  std::ofstream(scratch_ / "toml") << "workers = 2\n";
  Manager manager(scratch_ / "notify");
  ServerProcess server({.workers = 0,
                        .flags = {"--config", scratch_ / "toml"},
                        .supervised = true,
                        .environment = {{"NOTIFY_SOCKET", scratch_ / "notify"}}});
  EXPECT_THAT(manager.Await("READY=1"), HasSubstr(fmt::format("MAINPID={}\n", server.pid())));
  server.Signal(SIGHUP);
  EXPECT_THAT(manager.Await("READY=1"), HasSubstr("RELOADING=1\nMONOTONIC_USEC="));
  std::ofstream(scratch_ / "toml") << "wrokers = 2\n";
  server.Signal(SIGUSR2);
  EXPECT_THAT(manager.Await("READY=1"), HasSubstr("RELOADING=1\nMONOTONIC_USEC="))
      << "also where it is refused";
  server.Signal(SIGTERM);
  EXPECT_THAT(manager.Await("STOPPING=1"), Not(HasSubstr("WATCHDOG")));
}

TEST_F(SystemdTest, TheManagerIsToldWhichProcessIsTheMainOneNow) {
  const std::string name = fmt::format("@hydrapool-test-{}", ::getpid());
  Manager manager(name);
  ServerProcess server({.supervised = true, .environment = {{"NOTIFY_SOCKET", name}}});
  manager.Await("READY=1");
  const pid_t parent = ParentOf(server);
  sys::Kill(parent, SIGKILL);
  EXPECT_THAT(manager.Await("READY=1"), HasSubstr(fmt::format("MAINPID={}\n", server.pid())));
  const pid_t next = ParentOf(server);
  server.Signal(SIGKILL);
  manager.Await(fmt::format("MAINPID={}\n", next));
  sys::Kill(next, SIGTERM);
  manager.Await("STOPPING=1");
}

TEST_F(SystemdTest, TheWatchdogHearsTheParentAlsoAfterAReload) {
  Manager manager(scratch_ / "notify");
  ServerProcess server(
      {.supervised = true,
       .environment = {{"NOTIFY_SOCKET", scratch_ / "notify"}, {"WATCHDOG_USEC", "300000"}}});
  manager.Await("WATCHDOG=1");
  server.Signal(SIGHUP);
  manager.Await("RELOADING=1");
  manager.Await("READY=1");
  manager.Await("WATCHDOG=1");
}

TEST_F(SystemdTest, AnothersWatchdogHearsNothing) {
  Manager manager(scratch_ / "notify");
  ServerProcess server(
      {.environment = {
           {"NOTIFY_SOCKET", scratch_ / "notify"}, {"WATCHDOG_USEC", "1000"}, {"WATCHDOG_PID", "1"}}});
  EXPECT_THAT(manager.Await("READY=1"), Not(HasSubstr("WATCHDOG")));
  server.Signal(SIGTERM);
  EXPECT_THAT(manager.Await("STOPPING=1"), Not(HasSubstr("WATCHDOG")));
}

TEST_F(SystemdTest, AManagerThatIsNotThereCostsNothing) {
  for (const std::string& path :
       {scratch_ / "nobody", std::string("vsock:2:1234"), std::string("@"), std::string(300, 'x')}) {
    ServerProcess server({.environment = {{"NOTIFY_SOCKET", path}}});
    EXPECT_TRUE(server.Stop().clean()) << path;
  }
}

}  // namespace
}  // namespace hydrapool::support
