// --max-cgi is exact, whatever is asked at once and whoever dies; what a program starts ends with it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

constexpr std::size_t kMost = 5;

class MaxCgiTest : public ::testing::Test {
 protected:
  void Script(const std::string& name, const std::string& text) { WriteProgram(programs_ / name, text); }
  ServerProcess& Start(std::vector<std::string> flags = {}, const std::string& failpoints = "") {
    flags.insert(flags.end(), {"--max-cgi", std::to_string(kMost), "--cgi-env", "MARKS=" + (marks_ / "marks"),
                               "--cgi-env", "GO=" + (marks_ / "go")});
    server_.emplace(
        ServerOptions{.workers = 4, .cgi_dir = programs_.path(), .flags = flags, .failpoints = failpoints});
    return *server_;
  }
  /// "+" at a program's start, "-" before its end: the most that were between the two at once.
  [[nodiscard]] int MostAtOnce() const {
    int now = 0;
    int most = 0;
    for (const char mark : ReadFile(marks_ / "marks")) {
      now += mark == '+' ? 1 : mark == '-' ? -1 : 0;
      most = std::max(most, now);
    }
    return most;
  }
  [[nodiscard]] std::size_t Started() const {
    const std::string marks = ReadFile(marks_ / "marks");
    return static_cast<std::size_t>(std::ranges::count(marks, '+'));
  }
  std::map<int, int> StatusesOf(std::deque<HttpClient>& clients) {
    std::map<int, int> statuses;
    for (HttpClient& client : clients) ++statuses[client.Receive().value_or(HttpAnswer{}).status];
    return statuses;
  }

  ScratchDir programs_;
  ScratchDir marks_;
  std::optional<ServerProcess> server_;
};

constexpr const char* kUntilTold =
    "#!/bin/sh\necho + >>$MARKS\nwhile [ ! -e $GO ]; do sleep 0.05; done\necho - >>$MARKS\n"
    "printf 'Content-Type: text/plain\\n\\nok'\n";

TEST_F(MaxCgiTest, WithoutAQueueABurstStartsAsManyAsMayRunAndNotOneMore) {
  Script("wait", kUntilTold);
  ServerProcess& server = Start({"--cgi-queue", "0"});
  std::deque<HttpClient> clients;
  for (int i = 0; i < 120; ++i) clients.emplace_back(server.address());
  for (const HttpClient& client : clients) ASSERT_TRUE(client.Send(Get("/cgi-bin/wait")));
  ASSERT_TRUE(Eventually([&] { return Started() >= kMost; }));
  ASSERT_TRUE(server.Await([](const auto& status) { return status["leases"]["busy"] == kMost; }));
  std::ofstream(marks_ / "go") << "go";
  const auto statuses = StatusesOf(clients);
  EXPECT_EQ(statuses.at(200), static_cast<int>(kMost));
  EXPECT_EQ(statuses.at(503), 120 - static_cast<int>(kMost));
  EXPECT_EQ(MostAtOnce(), static_cast<int>(kMost));
  EXPECT_TRUE(server.Stop().clean());
}

// Whatever a worker had claimed at its death is there again.
TEST_F(MaxCgiTest, TheDeadKeepNoPlace) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  Script("quick", "#!/bin/sh\necho + >>$MARKS\necho - >>$MARKS\nprintf 'Content-Type: text/plain\\n\\nok'\n");
  Script("broken", "no program at all");
  for (const char* point : {"worker.place_claimed", "worker.prepared", "worker.offered", "cgi.spawned"}) {
    ServerProcess& server = Start({}, std::string(point) + "=kill@1");
    for (int round = 0; round < 3; ++round) {
      std::deque<HttpClient> clients;
      for (std::size_t i = 0; i < kMost; ++i) {
        clients.emplace_back(server.address());
        const auto answer = clients.back().Ask(Get("/cgi-bin/quick"));
        EXPECT_EQ(answer.value_or(HttpAnswer{}).status, 200) << point;
        EXPECT_EQ(clients.back().Ask(Get("/cgi-bin/broken")).value_or(HttpAnswer{}).status, 500) << point;
        EXPECT_EQ(clients.back().Ask(Get("/cgi-bin/none")).value_or(HttpAnswer{}).status, 404) << point;
      }
    }
    EXPECT_GE(server.Total("exits"), 1u) << point;
    EXPECT_TRUE(server.Stop().clean());
  }
}

// The second program of a local redirect takes the place of the first, or waits where that is another's by
// then.
TEST_F(MaxCgiTest, ALocalRedirectMakesNoMoreRunAtOnceThanMay) {
  Script(
      "quick",
      "#!/bin/sh\necho + >>$MARKS\nread body\necho - >>$MARKS\nprintf 'Content-Type: text/plain\\n\\nok'\n");
  Script("hop", "#!/bin/sh\nprintf 'Location: /cgi-bin/quick\\n\\n'\n");
  struct Limit {
    int most;
    std::vector<std::string> flags;
  };
  for (const auto& [most, flags] :
       {Limit{1, {"--program-rule", "/cgi-bin=max-cgi:1"}}, Limit{1, {"--max-cgi-per-address", "1"}},
        Limit{static_cast<int>(kMost), {}}}) {
    std::filesystem::remove(marks_ / "marks");
    std::vector<std::string> all{"--cgi-queue-timeout", "60s"};
    all.insert(all.end(), flags.begin(), flags.end());
    ServerProcess& server = Start(all);
    std::deque<HttpClient> clients;
    for (int i = 0; i < 24; ++i) clients.emplace_back(server.address());
    for (std::size_t i = 0; i < clients.size(); ++i)
      ASSERT_TRUE(clients[i].Send(Get(i % 2 == 0 ? "/cgi-bin/hop" : "/cgi-bin/quick")));
    EXPECT_EQ(StatusesOf(clients), (std::map<int, int>{{200, 24}}));
    EXPECT_LE(MostAtOnce(), most) << all.back();
    EXPECT_EQ(Started(), clients.size());
    EXPECT_TRUE(server.Stop().clean());
  }
}

// Out of its group, by itself or in what it starts, and deaf to TERM.
class EscapeTest : public MaxCgiTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(EscapeTest, WhatALateProgramHasStartedEndsWithIt) {
  Script("escape", GetParam());
  ServerProcess& server = Start({"--cgi-timeout", "3", "--cgi-env", "HELD=" + (marks_ / "held")});
  HttpClient client(server.address());
  EXPECT_EQ(client.Ask(Get("/cgi-bin/escape")).value_or(HttpAnswer{}).status, 504);
  std::vector<pid_t> pids;
  std::ifstream numbers(marks_ / "held");
  for (pid_t pid; numbers >> pid;) pids.push_back(pid);
  ASSERT_FALSE(pids.empty());
  EXPECT_TRUE(Eventually([&] { return std::ranges::none_of(pids, Alive); }));
  EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); }));
  EXPECT_TRUE(server.Stop().clean());
}

constexpr const char* kLeavesItsGroup =
    "#!/usr/bin/python3 -S\nimport os,signal\nsignal.signal(signal.SIGTERM,signal.SIG_IGN)\n"
    "os.setpgid(0,os.getpgid(os.getppid()))\n"
    "open(os.environ['HELD'],'a').write(f'{os.getpid()}\\n')\nwhile True: signal.pause()\n";
constexpr const char* kStartsASession =
    "#!/usr/bin/python3 -S\nimport os,signal\nsignal.signal(signal.SIGTERM,signal.SIG_IGN)\n"
    "if os.fork()==0:\n  os.setsid()\n  os.fork()\n"
    "open(os.environ['HELD'],'a').write(f'{os.getpid()}\\n')\nwhile True: signal.pause()\n";
INSTANTIATE_TEST_SUITE_P(All, EscapeTest, ::testing::Values(kLeavesItsGroup, kStartsASession),
                         [](const auto& test) {
                           return test.param == kLeavesItsGroup ? "ItsGroup" : "ItsSession";
                         });

}  // namespace
}  // namespace hydrapool::support
