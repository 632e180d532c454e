#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

void AwaitDrain(const ServerProcess& server) {
  ASSERT_TRUE(Eventually([&] { return server.Log().find("draining") != std::string::npos; }));
}

/// Requests that were sent before the TERM, each on a connection of its own: the number that got no answer.
int Unanswered(std::vector<std::unique_ptr<HttpClient>>& clients) {
  int lost = 0;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto answer = clients[i]->Receive();
    if (!answer || answer->body != fmt::format("hello {}\n", i)) ++lost;
  }
  return lost;
}

TEST(DrainTest, WhatWaitsInTheBacklogIsAnswered) {
  ServerProcess server;
  server.Signal(SIGSTOP);
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 600; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server.address()));
    ASSERT_TRUE(clients.back()->Send(Get(fmt::format("/?{}", i), i % 2 == 0 ? "Connection: close\r\n" : "")));
  }
  server.Signal(SIGTERM);
  server.Signal(SIGCONT);
  EXPECT_EQ(Unanswered(clients), 0);
  EXPECT_TRUE(server.WaitForEnd(std::chrono::seconds(10)).clean());
}

TEST(DrainTest, ItsSuccessorHasBothPortsAtOnce) {
  ServerProcess old;
  HttpClient client(old.address());
  ASSERT_TRUE(client.Ask(Get("/")));
  const auto refused = [&old] {
    const auto other =
        RunProgram({HYDRAPOOL_BIN_DIR "/hydrapool", "--listen", "127.0.0.1:0", "--admin", old.admin()});
    EXPECT_EQ(other.status.code, 1);
    EXPECT_THAT(other.output, testing::HasSubstr("cannot listen on " + old.admin()));
  };
  refused();
  const auto workers = old.Workers();
  for (const pid_t worker : workers) old.SignalWorker(worker, SIGSTOP);
  ASSERT_TRUE(client.Send(Get("/?last")));
  old.Signal(SIGTERM);
  AwaitDrain(old);

  ServerProcess successor({.listen = old.address(), .admin = old.admin()});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(successor.Status()["pid"], successor.pid());
  refused();
  for (const pid_t worker : workers) old.SignalWorker(worker, SIGCONT);
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, "hello last\n");
  EXPECT_TRUE(old.WaitForEnd(std::chrono::seconds(10)).clean());
  EXPECT_EQ(successor.Status()["pid"], successor.pid());
}

TEST(DrainTest, ItsSuccessorHasTheControlSocketAtOnce) {
  const ScratchDir scratch;
  const std::vector<std::string> flags{"--control", scratch / "control"};
  const auto pids = [&scratch] {
    const auto answer = RunProgram(
        {HYDRAPOOL_BIN_DIR "/hydrapool", "ctl", "--control", scratch / "control", "workers", "--json"});
    EXPECT_TRUE(answer.ok()) << answer.output;
    const auto told = ParseJson(answer.output);
    std::vector<pid_t> workers;
    for (const auto& worker : told.at("workers")) workers.push_back(worker.at("pid"));
    return workers;
  };
  ServerProcess old({.flags = flags});
  const auto workers = old.Workers();
  EXPECT_THAT(pids(), testing::UnorderedElementsAreArray(workers));
  const auto refused = RunProgram({HYDRAPOOL_BIN_DIR "/hydrapool", "--listen", "127.0.0.1:0", "--admin",
                                   "off", "--control", scratch / "control"});
  EXPECT_EQ(refused.status.code, 1);
  EXPECT_THAT(refused.output, testing::HasSubstr("cannot listen on unix:"));
  HttpClient client(old.address());
  ASSERT_TRUE(client.Ask(Get("/")));
  for (const pid_t worker : workers) old.SignalWorker(worker, SIGSTOP);
  ASSERT_TRUE(client.Send(Get("/?last")));
  old.Signal(SIGTERM);
  AwaitDrain(old);

  ServerProcess successor({.flags = flags});
  EXPECT_THAT(pids(), testing::UnorderedElementsAreArray(successor.Workers()));
  for (const pid_t worker : workers) old.SignalWorker(worker, SIGCONT);
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, "hello last\n");
  EXPECT_TRUE(old.WaitForEnd(std::chrono::seconds(10)).clean());
  EXPECT_THAT(pids(), testing::UnorderedElementsAreArray(successor.Workers()));
}

TEST(DrainTest, ItsSuccessorHasTheAdminSocketAtOnce) {
  const ScratchDir scratch;
  const std::string admin = "unix:" + (scratch / "admin");
  ServerProcess old({.admin = admin});
  HttpClient client(old.address());
  ASSERT_TRUE(client.Ask(Get("/")));
  const auto workers = old.Workers();
  for (const pid_t worker : workers) old.SignalWorker(worker, SIGSTOP);
  ASSERT_TRUE(client.Send(Get("/?last")));
  old.Signal(SIGTERM);
  AwaitDrain(old);

  ServerProcess successor({.admin = admin});
  EXPECT_EQ(successor.Status()["pid"], successor.pid());
  for (const pid_t worker : workers) old.SignalWorker(worker, SIGCONT);
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, "hello last\n");
  EXPECT_TRUE(old.WaitForEnd(std::chrono::seconds(10)).clean());
  EXPECT_EQ(successor.Status()["pid"], successor.pid());
}

TEST(DrainTest, WhatWaitsOnOpenConnectionsIsAnswered) {
  ServerProcess server;
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server.address()));
    ASSERT_TRUE(clients.back()->Ask(Get("/?first")));
  }
  const auto workers = server.Workers();
  for (const pid_t worker : workers) server.SignalWorker(worker, SIGSTOP);
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(clients[static_cast<std::size_t>(i)]->Send(Get(fmt::format("/?{}", i))));
  server.Signal(SIGTERM);
  AwaitDrain(server);
  for (const pid_t worker : workers) server.SignalWorker(worker, SIGCONT);
  EXPECT_EQ(Unanswered(clients), 0);
  EXPECT_TRUE(server.WaitForEnd(std::chrono::seconds(10)).clean());
}

TEST(DrainTest, APipelineThatWasSentBeforeIsAnswered) {
  ServerProcess server;
  HttpClient client(server.address());
  std::string batch;
  for (int i = 0; i < 5; ++i) batch += Get(fmt::format("/?{}", i));
  ASSERT_TRUE(client.Ask(Get("/?first")));
  const auto workers = server.Workers();
  for (const pid_t worker : workers) server.SignalWorker(worker, SIGSTOP);
  ASSERT_TRUE(client.Send(batch));
  server.Signal(SIGTERM);
  AwaitDrain(server);
  for (const pid_t worker : workers) server.SignalWorker(worker, SIGCONT);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, fmt::format("hello {}\n", i)) << client.error();
  }
  EXPECT_TRUE(server.WaitForEnd(std::chrono::seconds(10)).clean());
}

TEST(DrainTest, ProgramsInHandAnswer) {
  ServerProcess server({.workers = 4});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server.address()));
    const std::string target = fmt::format("/cgi-bin/record?id={}&ms=500", i);
    ASSERT_TRUE(clients.back()->Send(i % 2 == 0 ? Get(target) : Post(target, "body")));
  }
  HttpClient flood(server.address());
  ASSERT_TRUE(flood.Send(Get("/cgi-bin/flood?bytes=20000000")));
  ASSERT_TRUE(Eventually([&] { return server.Status().at("totals").at("cgi_started") == 21; }));
  server.Signal(SIGTERM);
  AwaitDrain(server);
  EXPECT_TRUE(flood.Receive().value_or(HttpAnswer{}).body == FloodBody(20'000'000)) << flood.error();
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(clients[i]->Receive().value_or(HttpAnswer{}).body, fmt::format("{}\n", i))
        << clients[i]->error();
  }
  EXPECT_TRUE(server.WaitForEnd(std::chrono::seconds(10)).clean());
}

TEST(DrainTest, SurvivesTheDeathOfItsWorkers) {
  ServerProcess server({.workers = 2});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/record?id=1&ms=5000")));
  ASSERT_TRUE(Eventually([&] { return Executions(server.record()).size() == 1; }));
  server.Signal(SIGTERM);
  AwaitDrain(server);
  for (const pid_t worker : server.Workers()) server.SignalWorker(worker, SIGKILL);
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, "1\n") << client.error();
  EXPECT_TRUE(server.WaitForEnd(std::chrono::seconds(10)).clean());
  EXPECT_EQ(Executions(server.record())["1"], 1);
}

}  // namespace
}  // namespace hydrapool::support
