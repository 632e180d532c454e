// Past --max-cgi requests wait for their program's turn: all of them get it, in their order.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "pool/testing/cgi_queue.h"

namespace hydrapool::support {
namespace {

TEST_F(CgiQueueTest, ABurstIsAnsweredWholeAndNoMoreRunAtOnceThanMay) {
  Script("quick", kMark);
  ServerProcess& server = Start(16);
  std::deque<HttpClient> clients;
  for (int i = 0; i < 300; ++i) clients.emplace_back(server.address());
  for (const HttpClient& client : clients) ASSERT_TRUE(client.Send(Get("/cgi-bin/quick")));
  for (HttpClient& client : clients) ASSERT_EQ(client.Receive().value_or(HttpAnswer{}).status, 200);
  int now = 0;
  int most = 0;
  for (const std::string& mark : Marks()) most = std::max(most, mark == "-" ? --now : ++now);
  EXPECT_LE(most, 16);
  EXPECT_EQ(Marks().size(), 600u);
  EXPECT_EQ(Metric("hydrapool_cgi_queue_timeouts_total"), "0");
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(CgiQueueTest, FirstComeFirstServedOverAllWorkers) {
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1);
  ASSERT_NO_FATAL_FAILURE(LineUp(8));
  ExpectTurnsKept();
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(CgiQueueTest, BodiesOfEveryKindWaitToo) {
  Script("wait", kMarkUntilTold);
  Script("quick", kMark);
  ServerProcess& server = Start(1);
  HttpClient first(server.address());
  ASSERT_TRUE(first.Send(Get("/cgi-bin/wait?first")));
  ASSERT_TRUE(Eventually([&] { return Marks().size() == 1; }));
  const std::string large(100'000, 'x');
  std::deque<std::pair<HttpClient, std::string>> clients;
  for (const auto& [request, body] : {std::pair(Post("/cgi-bin/quick", "small\n"), std::string("small")),
                                      std::pair(Post("/cgi-bin/quick", large + "\n"), large),
                                      std::pair(ChunkedPost("/cgi-bin/quick", large + "\n", 1000), large),
                                      std::pair(Get("/cgi-bin/quick"), std::string())}) {
    clients.emplace_back(HttpClient(server.address()), body);
    ASSERT_TRUE(clients.back().first.Send(request));
  }
  ASSERT_TRUE(AwaitQueued(4));
  Go();
  EXPECT_EQ(first.Receive().value_or(HttpAnswer{}).body, "ok");
  for (auto& [client, body] : clients) EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, body);
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(CgiQueueTest, WhoWaitsHoldsNoFile) {
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1);
  for (int i = 0; i < 9; ++i) {
    clients_.emplace_back(server.address());
    ASSERT_TRUE(clients_.back().Send(Post(fmt::format("/cgi-bin/wait?{}", i), "small")));
    ASSERT_TRUE(i == 0 ? Eventually([&] { return Marks().size() == 1; }) : AwaitQueued(i));
  }
  for (const pid_t worker : server.Workers()) {
    for (const auto& fd : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", worker))) {
      std::error_code gone;
      EXPECT_FALSE(std::filesystem::read_symlink(fd, gone).string().starts_with("/memfd:request body"));
    }
  }
  Go();
  for (HttpClient& client : clients_) EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, "ok");
  EXPECT_TRUE(server.Stop().clean());
}

// Of eight clients each of four workers has two. Three workers are stopped: the clients of the fourth are
// answered, wherever in the line the others stand.
TEST_F(CgiQueueTest, WorkersThatDoNotComeRoundHoldUpNobody) {
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1, {"--stall-timeout", "60s", "--cgi-queue-timeout", "60s"});
  ASSERT_NO_FATAL_FAILURE(LineUp(8));
  std::vector<pid_t> stopped = server.Workers();
  stopped.pop_back();
  for (const pid_t worker : stopped) server.SignalWorker(worker, SIGSTOP);
  Go();
  const auto answered = [this] {
    return std::ranges::count_if(clients_, [](const HttpClient& client) {
      pollfd readable{.fd = client.fd(), .events = POLLIN, .revents = 0};
      return ::poll(&readable, 1, 0) == 1;
    });
  };
  EXPECT_TRUE(Eventually([&] { return answered() == 2; })) << answered();
  for (const pid_t worker : stopped) server.SignalWorker(worker, SIGCONT);
  for (HttpClient& client : clients_) EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(Marks().size(), 8u);
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(CgiQueueTest, WhoWaitsTooLongOrFindsTheQueueFullGetsA503) {
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1, {"--cgi-queue", "2", "--cgi-queue-timeout", "3s"});
  HttpClient runs(server.address());
  ASSERT_TRUE(runs.Send(Get("/cgi-bin/wait?runs")));
  ASSERT_TRUE(Eventually([&] { return Marks().size() == 1; }));
  std::deque<HttpClient> clients;
  for (int i = 0; i < 3; ++i) clients.emplace_back(server.address());
  for (const HttpClient& client : clients) ASSERT_TRUE(client.Send(Get("/cgi-bin/wait?late")));
  for (HttpClient& client : clients) {
    const auto answer = client.Receive().value_or(HttpAnswer{});
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.Field("Retry-After"), "1");
  }
  EXPECT_TRUE(Eventually([&] { return Metric("hydrapool_cgi_queue_timeouts_total") == "2"; }));
  Go();
  EXPECT_EQ(runs.Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(clients[0].Ask(Get("/cgi-bin/wait?again")).value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(Marks(), (std::vector<std::string>{"+runs", "+again"}));
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(CgiQueueTest, WhoLeavesWhileItWaitsIsForgotten) {
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1);
  HttpClient runs(server.address());
  ASSERT_TRUE(runs.Send(Get("/cgi-bin/wait?runs")));
  ASSERT_TRUE(Eventually([&] { return Marks().size() == 1; }));
  HttpClient stays(server.address());
  {
    std::deque<HttpClient> leave;
    for (int i = 0; i < 4; ++i) leave.emplace_back(server.address());
    for (const HttpClient& client : leave) ASSERT_TRUE(client.Send(Get("/cgi-bin/wait?left")));
    ASSERT_TRUE(AwaitQueued(4));
    ASSERT_TRUE(stays.Send(Get("/cgi-bin/wait?stays")));
    ASSERT_TRUE(AwaitQueued(5));
    leave[0].Abort();
  }
  ASSERT_TRUE(AwaitQueued(1));
  Go();
  EXPECT_EQ(runs.Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(stays.Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(Marks(), (std::vector<std::string>{"+runs", "+stays"}));
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
