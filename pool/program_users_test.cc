// Programs of a path that run as another user than the server: whatever dies.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pool/sys/kill.h"
#include "pool/testing/clients.h"
#include "pool/testing/faults.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

class ProgramUsersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "for root";
    std::filesystem::permissions(programs_.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(marks_.path(), std::filesystem::perms(01777));
    WriteProgram(programs_ / "who",
                 "#!/bin/sh\nread body\nprintf 'Content-Type: text/plain\\n\\n%s %s %s' \"$(id -un)\" "
                 "\"$QUERY_STRING\" \"$body\"\n");
    WriteProgram(programs_ / "boss", "#!/bin/sh\nprintf 'Content-Type: a/b\\n\\n%s' $PPID\n");
    WriteProgram(
        programs_ / "once",
        "#!/bin/sh\necho $QUERY_STRING >>$MARKS/once\nprintf 'Content-Type: a/b\\n\\n%s' $QUERY_STRING\n");
    WriteProgram(programs_ / "hang",
                 "#!/bin/sh\ntrap '' TERM\nsetsid sleep 100 &\necho $! $$ >$MARKS/pids\nsleep 100\n");
    for (const char* name : {"who", "boss", "once", "hang"})
      std::filesystem::permissions(programs_ / name, std::filesystem::perms(0755));
  }
  ServerProcess& Start(std::vector<std::string> flags = {}, const std::string& failpoints = "",
                       int workers = 2) {
    flags.insert(flags.end(),
                 {"--user", "nobody", "--program-rule", "/cgi-bin/=user:daemon", "--program-rule",
                  "/own/=env:A=B", "--mount", "/own/=cgi:" + programs_.path().string(), "--cgi-env",
                  "MARKS=" + marks_.path().string()});
    return server_.emplace(ServerOptions{.workers = workers,
                                         .cgi_dir = programs_.path(),
                                         .flags = flags,
                                         .supervised = true,
                                         .failpoints = failpoints});
  }
  static std::string Ask(const ServerProcess& server, const std::string& request) {
    HttpClient client(server.address());
    const auto answer = client.Ask(request).value_or(HttpAnswer{});
    return answer.status == 200 ? answer.body : std::to_string(answer.status);
  }

  ScratchDir programs_;
  ScratchDir marks_;
  std::vector<pid_t> hung_;
  std::optional<ServerProcess> server_;
};

TEST_F(ProgramUsersTest, EachPathHasItsOwn) {
  ServerProcess& server = Start();
  EXPECT_EQ(Ask(server, Get("/cgi-bin/who?a")), "daemon a ");
  EXPECT_EQ(Ask(server, Get("/own/who?b")), "nobody b ");
  const std::string large(100'000, 'x');
  EXPECT_EQ(Ask(server, Post("/cgi-bin/who", "small\n")), "daemon  small");
  EXPECT_EQ(Ask(server, Post("/cgi-bin/who", large + "\n")), "daemon  " + large);
  EXPECT_EQ(Ask(server, ChunkedPost("/cgi-bin/who", large + "\n", 1000)), "daemon  " + large);
  EXPECT_EQ(Ask(server, Get("/cgi-bin/none")), "404");
  EXPECT_TRUE(server.AwaitQuiet());
  EXPECT_TRUE(server.Await([](const auto& status) { return status.at("cgi_processes") == 0; }));
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(ProgramUsersTest, OneThatHangsIsEndedWithAllBelowIt) {
  ServerProcess& server = Start({"--cgi-timeout", "3s"});
  EXPECT_EQ(Ask(server, Get("/cgi-bin/hang")), "504");
  pid_t below = 0;
  pid_t itself = 0;
  ASSERT_EQ(std::sscanf(ReadFile(marks_ / "pids").c_str(), "%d %d", &below, &itself), 2);
  EXPECT_TRUE(Eventually([&] { return !Alive(below) && !Alive(itself); }));
  EXPECT_TRUE(server.Await([](const auto& status) { return status.at("cgi_processes") == 0; }));
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(ProgramUsersTest, ALauncherThatDiesOrIsStoppedIsReplaced) {
  ServerProcess& server = Start();
  const auto launcher = static_cast<pid_t>(std::stoi(Ask(server, Get("/cgi-bin/boss"))));
  ASSERT_GT(launcher, 1);
  sys::Kill(launcher, SIGSTOP);
  EXPECT_EQ(Ask(server, Get("/cgi-bin/who?stopped")), "daemon stopped ");
  sys::Kill(launcher, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return Ask(server, Get("/cgi-bin/boss")) != std::to_string(launcher); }));
  EXPECT_TRUE(Eventually([&] { return Ask(server, Get("/cgi-bin/who?again")) == "daemon again "; }));
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(ProgramUsersTest, OneWhoseLauncherHasDiedIsEndedByItsTimeOut) {
  WriteProgram(programs_ / "stays", "#!/bin/sh\necho $$ $PPID >$MARKS/pids\nexec sleep 100\n");
  std::filesystem::permissions(programs_ / "stays", std::filesystem::perms(0755));
  ServerProcess& server = Start({"--cgi-timeout", "5s", "--max-cgi", "1"});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/stays")));
  pid_t itself = 0;
  pid_t launcher = 0;
  ASSERT_TRUE(Eventually([&] {
    return std::filesystem::exists(marks_ / "pids") &&
           std::sscanf(ReadFile(marks_ / "pids").c_str(), "%d %d", &itself, &launcher) == 2;
  }));
  sys::Kill(launcher, SIGKILL);
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, 504);
  EXPECT_TRUE(Eventually([&] { return !Alive(itself); }));
  EXPECT_EQ(Ask(server, Get("/cgi-bin/who?next")), "daemon next ");
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(ProgramUsersTest, ADeathAroundItsStartNeitherLosesNorDoublesIt) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  for (const char* point : {"cgi.ordered=kill@1", "worker.offered=kill@2", "cgi.answered=kill@1"}) {
    ServerProcess& server = Start({}, point);
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(Ask(server, Get(fmt::format("/cgi-bin/once?{}", i))), std::to_string(i)) << point;
    EXPECT_EQ(ReadFile(marks_ / "once"), "0\n1\n2\n3\n") << point;
    std::filesystem::remove(marks_ / "once");
    EXPECT_TRUE(server.Stop().clean());
  }
}

TEST_F(ProgramUsersTest, OutlivesParentSupervisorAndReload) {
  ServerProcess& server = Start();
  EXPECT_EQ(Ask(server, Get("/cgi-bin/who?1")), "daemon 1 ");
  sys::Kill(server.Status().at("parent").at("pid").get<pid_t>(), SIGKILL);
  EXPECT_EQ(Ask(server, Get("/cgi-bin/who?2")), "daemon 2 ");
  server.Signal(SIGHUP);
  EXPECT_TRUE(
      Eventually([&] { return server.Log().find("lives on under a new program") != std::string::npos; }));
  EXPECT_EQ(Ask(server, Get("/cgi-bin/who?3")), "daemon 3 ");
  EXPECT_TRUE(server.Stop().clean());
}

// Also where the pool's user is another than the one who has made the pipe that tells of its end.
TEST_F(ProgramUsersTest, EndWithThePoolWhoseProcessesAreKilledAtOnce) {
  ServerProcess& server = Start();
  for (const char* path : {"/cgi-bin/hang", "/own/hang"}) {
    HttpClient client(server.address());
    ASSERT_TRUE(client.Send(Get(path)));
    ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(marks_ / "pids"); }));
    pid_t below = 0;
    pid_t itself = 0;
    ASSERT_TRUE(Eventually(
        [&] { return std::sscanf(ReadFile(marks_ / "pids").c_str(), "%d %d", &below, &itself) == 2; }));
    std::filesystem::remove(marks_ / "pids");
    hung_.push_back(itself);
    sys::Kill(below, SIGKILL);  // it has left the group
  }
  const auto parent = server.Status().at("parent").at("pid").get<pid_t>();
  sys::Kill(parent, SIGSTOP);
  server.Signal(SIGKILL);
  sys::Kill(parent, SIGKILL);
  for (const pid_t pid : hung_) EXPECT_TRUE(Eventually([&] { return !Alive(pid); }));
  server.WaitForEnd(std::chrono::seconds(20));
}

TEST_F(ProgramUsersTest, UnderKillsEachRunsOnce) {
  ServerProcess& server = Start({}, "", 4);
  std::atomic<bool> over = false;
  std::thread killer([&] {  // harness inject hurts no process of another user
    for (std::size_t round = 0; !over; ++round) {
      const std::vector<pid_t> workers = server.Workers();
      if (!workers.empty()) server.SignalWorker(workers[round % workers.size()], SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(60));
    }
  });
  const CrowdResult crowd = AskInCrowd(server.address(), 8, 2 * sys::kSecond, [](const std::string& id) {
    return Question{.request = Get("/cgi-bin/once?" + id), .body = id};
  });
  over = true;
  killer.join();
  EXPECT_TRUE(crowd.problems.empty()) << FirstOf(crowd.problems);
  std::string marks = "\n" + ReadFile(marks_ / "once");
  for (const std::string& id : crowd.answered) {
    const auto first = marks.find("\n" + id + "\n");
    EXPECT_TRUE(first != std::string::npos && marks.find("\n" + id + "\n", first + 1) == std::string::npos)
        << id;
  }
  ExpectNothingLost(server);
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
