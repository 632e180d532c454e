#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "pool/life_fixture.h"
#include "pool/sys/child.h"
#include "pool/sys/kill.h"
#include "pool/sys/program.h"
#include "pool/testing/clients.h"
#include "pool/testing/command.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

using std::string;

TEST_F(LifeTest, IdleConnectionsOutliveTheirParents) {
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(std::make_unique<HttpClient>(server_.address()));
  for (int round = 0; round < 4; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const auto answer = clients[i]->Ask(Get(fmt::format("/?{}.{}", round, i)));
      ASSERT_TRUE(answer) << clients[i]->error();
      EXPECT_EQ(answer->body, fmt::format("hello {}.{}\n", round, i));
    }
    SignalParent(SIGKILL);
  }
  EXPECT_EQ(server_.Status().at("leases").at("open"), 100);
  EXPECT_EQ(server_.Total("exits"), 0) << "no worker has noticed either";
}

TEST_F(LifeTest, AProgramOutlivesItsParentAndThenItsWorker) {
  HttpClient client(server_.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/slow?before=4000&during=10&lines=2")));
  ASSERT_TRUE(server_.Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
  SignalParent(SIGKILL);
  for (const pid_t worker : server_.Workers()) sys::Kill(worker, SIGKILL);
  SignalParent(SIGKILL);
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "line 0\nline 1\n");
  EXPECT_TRUE(server_.Await([](const auto& status) { return status.at("cgi_processes") == 0; }));
  EXPECT_EQ(server_.Total("cgi_started"), 1u);
}

TEST_F(LifeTest, AnOrphanedProgramsFailureIsSeen) {
  HttpClient client(server_.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/hang")));
  ASSERT_TRUE(server_.Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
  SignalParent(SIGKILL);
  const pid_t worker = server_.Workers().front();
  std::vector<pid_t> programs = ChildrenOf(server_.pid());
  const pid_t parent = Parent();
  const auto workers = server_.Workers();
  std::erase_if(programs,
                [&](pid_t each) { return each == parent || std::ranges::count(workers, each) > 0; });
  ASSERT_EQ(programs.size(), 1u) << "of worker " << worker;
  ASSERT_EQ(sys::Kill(programs[0], SIGKILL), 0);
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 502);
}

TEST_F(LifeTest, AStoppedParentIsReplaced) {
  HttpClient before(server_.address());
  ASSERT_TRUE(before.Ask(Get("/?1")));
  SignalParent(SIGSTOP);
  EXPECT_TRUE(before.Ask(Get("/?2"))) << before.error();
  HttpClient after(server_.address());
  EXPECT_TRUE(after.Ask(Get("/?3"))) << after.error();
}

TEST_F(LifeTest, FilesWaitForTheNextParent) {
  const std::string flood = FloodBody(100'000);
  const ScratchDir site;
  std::ofstream(site / "flood") << flood;
  ServerProcess server(
      Supervised({.workers = 1, .cgi_dir = "", .flags = {"--mount", "/=files:" + site.path().string()}}));
  HttpClient client(server.address());
  ASSERT_TRUE(client.Ask(Get("/flood")));
  const pid_t parent = server.Status().at("parent").at("pid");
  ASSERT_EQ(sys::Kill(parent, SIGSTOP), 0);
  for (int i = 0; i < 300; ++i) {  // each is told to the parent twice, and its channel takes some 280
    const auto answer = client.Ask(Get("/flood"));
    ASSERT_TRUE(answer) << client.error();
    ASSERT_EQ(answer->status, 200) << i;
    ASSERT_EQ(answer->body, flood);
  }
  EXPECT_NE(server.Status().at("parent").at("pid"), parent);
}

TEST_F(LifeTest, AParentTakesTheSupervisorsPlace) {
  HttpClient client(server_.address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  SignalParent(SIGKILL);  // so that there are workers whose parent the supervisor is
  const pid_t parent = Parent();
  const auto pidfd = sys::OpenPidfd(parent);
  server_.Signal(SIGKILL);
  EXPECT_EQ(server_.WaitForEnd(std::chrono::seconds(10)).signal, SIGKILL);
  ASSERT_TRUE(client.Ask(Get("/?2"))) << client.error();
  ASSERT_TRUE(server_.Await([&](const auto& status) {
    return status.at("pid") == parent && status.at("parent").at("pid") != parent;
  }));
  ASSERT_TRUE(server_.AwaitTotal("exits", 2)) << "the workers leave whose parents are gone";
  for (const pid_t worker : server_.Workers()) sys::Kill(worker, SIGKILL);
  ASSERT_TRUE(client.Ask(Get("/?3"))) << client.error();
  ASSERT_TRUE(server_.AwaitTotal("exits", 4));
  ASSERT_EQ(sys::Kill(Parent(), SIGKILL), 0);
  ASSERT_TRUE(client.Ask(Get("/?4"))) << client.error();
  sys::SignalPidfd(pidfd.get(), SIGTERM);
  EXPECT_TRUE(Readable(pidfd.get(), std::chrono::seconds(20))) << "it hears TERM itself now";
}

TEST_F(LifeTest, WithParentAndSupervisorGoneNothingIsLeft) {
  HttpClient client(server_.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/hang")));
  ASSERT_TRUE(server_.Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
  const pid_t parent = Parent();
  std::vector<pid_t> all = ChildrenOf(parent);
  ASSERT_EQ(all.size(), 3u) << "two workers and a program";
  const auto pidfd = sys::OpenPidfd(parent);
  server_.Signal(SIGSTOP);  // it starts no other
  sys::SignalPidfd(pidfd.get(), SIGKILL);
  server_.Signal(SIGKILL);
  EXPECT_TRUE(Eventually([&] { return std::ranges::none_of(all, [](pid_t each) { return Alive(each); }); }));
  EXPECT_EQ(server_.WaitForEnd(std::chrono::seconds(10)).signal, SIGKILL);
}

TEST_F(LifeTest, ADrainGoesOnInTheNextParent) {
  HttpClient client(server_.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/slow?before=5000&during=10&lines=2")));
  ASSERT_TRUE(server_.Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
  const pid_t parent = Parent();
  server_.Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return server_.Log().find("draining") != string::npos; }));
  ASSERT_EQ(sys::Kill(parent, SIGKILL), 0);
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->body, "line 0\nline 1\n");
  EXPECT_TRUE(server_.WaitForEnd(std::chrono::seconds(20)).clean());
}

TEST_F(LifeTest, LeavesNoDescriptorOverManyParents) {
  const auto descriptors = [this] {
    const std::filesystem::directory_iterator open(fmt::format("/proc/{}/fd", server_.pid()));
    return std::distance(begin(open), end(open));
  };
  SignalParent(SIGKILL);
  HttpClient client(server_.address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  ASSERT_TRUE(server_.AwaitQuiet());
  const auto early = descriptors();
  for (int i = 0; i < 20; ++i) {
    SignalParent(SIGKILL);
    ASSERT_TRUE(client.Ask(Get("/?2")));
  }
  EXPECT_TRUE(Eventually([&] { return descriptors() <= early; })) << descriptors() << " after " << early;
}

TEST_F(LifeTest, TermQuitAndIntAreForTheSupervisor) {
  for (const int signal : {SIGTERM, SIGQUIT, SIGINT}) {
    ServerProcess server(Supervised());
    HttpClient client(server.address());
    ASSERT_TRUE(client.Ask(Get("/?1")));
    server.Signal(signal);
    EXPECT_TRUE(server.WaitForEnd(std::chrono::seconds(20)).clean()) << signal;
  }
}

TEST(LifeFailureTest, AParentThatAlwaysCrashesIsGivenUp) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  const ScratchDir scratch;
  const Environment environment{{"HYDRAPOOL_FAILPOINTS", "parent.forks=crash@1+"}};
  sys::Child server =
      sys::StartProgram({HYDRAPOOL_BIN_DIR "/hydrapool", "--listen", "127.0.0.1:0", "--admin", "off"},
                        {.output = scratch / "log", .environment = environment});
  ASSERT_TRUE(Readable(server.pidfd(), std::chrono::seconds(60)));
  EXPECT_EQ(server.TryReap()->code, 1);
  const string log = ReadFile(scratch / "log");
  EXPECT_NE(log.find("giving up"), string::npos) << log;
}

}  // namespace
}  // namespace hydrapool::support
