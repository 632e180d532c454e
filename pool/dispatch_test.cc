#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pool/sys/socket.h"
#include "pool/testing/command.h"
#include "pool/testing/http_client.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

// The ways beside leases in which a connection comes to its worker (--dispatch), and what else may be spoken
// (--handler).
namespace hydrapool::support {
namespace {

class DispatchTest : public testing::TestWithParam<const char*> {
 protected:
  ServerProcess server_{{.workers = 4, .cgi_dir = "", .flags = {"--dispatch", GetParam()}}};
};

TEST_P(DispatchTest, ABurstOfConnectionsIsAnsweredAndEachIsOnesOwn) {
  EXPECT_EQ(server_.Status().at("dispatch"), GetParam());
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<HttpClient>(server_.address()));
  for (const auto& client : clients) ASSERT_TRUE(client->Send(Get("/?1") + Get("/?2")));
  for (const auto& client : clients) {
    for (const char* body : {"hello 1\n", "hello 2\n"}) {
      const auto answer = client->Receive();
      ASSERT_TRUE(answer) << client->error();
      EXPECT_EQ(answer->body, body);
    }
  }
  EXPECT_TRUE(server_.Await([](const auto& status) { return status.at("leases").at("open") == 200; }));
  clients.clear();
  EXPECT_TRUE(server_.Await([](const auto& status) { return status.at("leases").at("open") == 0; }));
  EXPECT_TRUE(server_.Stop().clean());
}

TEST_P(DispatchTest, AKilledWorkerTakesItsConnectionsWithItAndIsReplaced) {
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server_.address()));
    ASSERT_TRUE(clients.back()->Ask(Get("/"))) << clients.back()->error();
  }
  for (const pid_t worker : server_.Workers()) server_.SignalWorker(worker, SIGKILL);
  EXPECT_TRUE(server_.Await([](const auto& status) {
    const auto& workers = status.at("workers");
    return std::all_of(workers.begin(), workers.end(), [](const auto& worker) {
      return worker.at("incarnation") == 2 && worker.at("state") == "ready";
    });
  }));
  for (const auto& client : clients) EXPECT_FALSE(client->Ask(Get("/")));
  EXPECT_EQ(server_.Total("lost"), 40u);
  HttpClient next(server_.address());
  EXPECT_TRUE(next.Ask(Get("/"))) << next.error();
}

TEST_P(DispatchTest, WhatIsInHandAtTheEndIsAnswered) {
  HttpClient half(server_.address());
  ASSERT_TRUE(half.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na"));
  ASSERT_TRUE(server_.Await([](const auto& status) { return status.at("leases").at("busy") == 1; }));
  server_.Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return !sys::Connect(server_.address(), std::chrono::seconds(1)); }));
  ASSERT_TRUE(half.Send("b"));
  const auto answer = half.Receive();
  ASSERT_TRUE(answer) << half.error();
  EXPECT_FALSE(answer->keeps_open());
  EXPECT_TRUE(server_.WaitForEnd(std::chrono::seconds(20)).clean());
}

INSTANTIATE_TEST_SUITE_P(Ways, DispatchTest, testing::Values("notify", "exclusive"),
                         [](const auto& way) { return std::string(way.param); });

/// Everything that comes to `request`, to the connection's end.
std::string Say(const std::string& address, const std::string& request) {
  const auto fd = sys::Connect(address, std::chrono::seconds(5));
  EXPECT_TRUE(fd);
  ::send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char piece[4096];
  while (Readable(fd->get(), std::chrono::seconds(15))) {
    const ssize_t count = ::recv(fd->get(), piece, sizeof piece, 0);
    if (count < 0) return answer + "(reset)";
    if (count == 0) return answer;
    answer.append(piece, static_cast<std::size_t>(count));
  }
  return answer + "(no end)";
}

TEST(HandlerTest, LineRunsAProgramOfItsDirectoryAsTheTeachingCodeDid) {
  const ScratchDir programs;
  WriteProgram(programs / "greet", "#!/bin/sh\nprintf 'hello from %s' \"${0##*/}\"\n");
  WriteProgram(programs / "large", "#!/bin/sh\nhead -c 3000000 /dev/zero\n");
  ServerProcess server({.cgi_dir = programs.path(), .flags = {"--handler", "line"}});
  EXPECT_EQ(Say(server.address(), "greet\r\n"), "hello from greet");
  EXPECT_EQ(Say(server.address(), "large\r\n").size(), 3'000'000u);
  for (const char* stranger : {"nobody\r\n", "../greet\r\n", "/bin/sh\r\n", ".\r\n", "\r\n"})
    EXPECT_EQ(Say(server.address(), stranger), "no such program\r\n") << stranger;
  EXPECT_EQ(Say(server.address(), std::string(2000, 'x')), "no such program\r\n");
  EXPECT_TRUE(server.Stop().clean());
}

TEST(HandlerTest, ALinesProgramRunsOnceWhateverBecomesOfItsWorker) {
  const ScratchDir programs;
  WriteProgram(programs / "wait", "#!/bin/sh\necho run >>\"${0%/*}/runs\"\nread line <\"${0%/*}/fifo\"\n");
  ServerProcess server({.cgi_dir = programs.path(), .flags = {"--handler", "line"}});
  ASSERT_TRUE(RunProgram({"mkfifo", programs / "fifo"}).ok());
  const auto fd = sys::Connect(server.address(), std::chrono::seconds(5));
  ASSERT_TRUE(fd);
  ::send(fd->get(), "wait\r\n", 6, MSG_NOSIGNAL);
  ASSERT_TRUE(Eventually([&] { return ReadFile(programs / "runs") == "run\n"; }));
  for (const pid_t worker : server.Workers()) server.SignalWorker(worker, SIGKILL);
  char answer[32];
  ASSERT_TRUE(Readable(fd->get(), std::chrono::seconds(15)));
  EXPECT_EQ(std::string(answer, static_cast<std::size_t>(::recv(fd->get(), answer, sizeof answer, 0))),
            "abandoned\r\n");
  EXPECT_EQ(ReadFile(programs / "runs"), "run\n");
  RunProgram({"sh", "-c", "echo go >\"$1\"", "sh", programs / "fifo"});
}

TEST(HandlerTest, EchoSendsBackWhatComesOverTheDeathsOfItsWorkers) {
  ServerProcess server({.cgi_dir = "", .flags = {"--handler", "echo"}});
  const auto fd = sys::Connect(server.address(), std::chrono::seconds(5));
  ASSERT_TRUE(fd);
  for (const std::string said : {"one", "two", "three"}) {
    ::send(fd->get(), said.data(), said.size(), MSG_NOSIGNAL);
    std::string heard(said.size(), '\0');
    ASSERT_EQ(::recv(fd->get(), heard.data(), heard.size(), MSG_WAITALL), static_cast<ssize_t>(said.size()));
    EXPECT_EQ(heard, said);
    for (const pid_t worker : server.Workers()) server.SignalWorker(worker, SIGKILL);
    ASSERT_TRUE(server.AwaitQuiet());
  }
}

}  // namespace
}  // namespace hydrapool::support
