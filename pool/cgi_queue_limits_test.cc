// Programs of a path, or of one address, have a limit of their own: who waits for that holds up nobody else.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "pool/testing/cgi_queue.h"

namespace hydrapool::support {
namespace {

TEST_F(CgiQueueTest, APathThatHasAsManyAsItMayHoldsUpNoOther) {
  Script("wait", kMarkUntilTold);
  Script("quick", kMark);
  ServerProcess& server = Start(8, {"--program-rule", "/cgi-bin/wait=max-cgi:1"});
  ASSERT_NO_FATAL_FAILURE(LineUp(4));
  HttpClient other(server.address());
  EXPECT_EQ(other.Ask(Get("/cgi-bin/quick?other")).value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(Marks(), (std::vector<std::string>{"+0", "+other", "-"}));
  EXPECT_EQ(Metric("hydrapool_limit_hits_total{limit=\"cgi_path\"}"), "3");
  for (const pid_t worker : server.Workers()) server.SignalWorker(worker, SIGKILL);
  ASSERT_TRUE(server.AwaitTotal("exits", 4));
  EXPECT_EQ(other.Ask(Get("/cgi-bin/quick?again")).value_or(HttpAnswer{}).status, 200);
  order_.insert(order_.begin() + 1, {"+other", "-", "+again", "-"});
  ExpectTurnsKept();
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(CgiQueueTest, AnAddressThatHasAsManyAsItMayHoldsUpNoOther) {
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(8, {"--max-cgi-per-address", "1", "--trusted-proxy", "127.0.0.1"});
  const auto ask = [&](const char* address, const char* id) {
    clients_.emplace_back(server.address());
    return clients_.back().Send(
        Get(fmt::format("/cgi-bin/wait?{}", id), fmt::format("X-Forwarded-For: {}\r\n", address)));
  };
  ASSERT_TRUE(ask("2001:db8::1", "first"));
  ASSERT_TRUE(Eventually([&] { return Marks().size() == 1; }));
  ASSERT_TRUE(ask("2001:db8::2", "same-64"));
  ASSERT_TRUE(AwaitQueued(1));
  ASSERT_TRUE(ask("192.0.2.1", "other"));
  ASSERT_TRUE(Eventually([&] { return Marks().size() == 2; }));
  EXPECT_EQ(Metric("hydrapool_limit_hits_total{limit=\"cgi_address\"}"), "1");
  order_ = {"+first", "+other", "+same-64"};
  ExpectTurnsKept();
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(CgiQueueTest, ABurstAtAPathWithALimitIsAnsweredWholeAndNoMoreRunAtOnceThanMay) {
  Script("quick", kMark);
  ServerProcess& server = Start(16, {"--program-rule", "/cgi-bin=max-cgi:3", "--cgi-queue-timeout", "60s"});
  std::deque<HttpClient> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(server.address());
  for (const HttpClient& client : clients) ASSERT_TRUE(client.Send(Get("/cgi-bin/quick")));
  for (HttpClient& client : clients) ASSERT_EQ(client.Receive().value_or(HttpAnswer{}).status, 200);
  int now = 0;
  int most = 0;
  for (const std::string& mark : Marks()) most = std::max(most, mark == "-" ? --now : ++now);
  EXPECT_LE(most, 3);
  EXPECT_EQ(Marks().size(), 200u);
  EXPECT_TRUE(server.Stop().clean());
}

// Its worker is stopped between its two programs, while the first one's place goes to another request.
TEST_F(CgiQueueTest, ALocalRedirectWhoseFirstPlaceIsGoneWaits) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  Script("wait", kMarkUntilTold);
  Script("hop", "#!/bin/sh\nprintf 'Location: /cgi-bin/wait?redirected\\n\\n'\n");
  ServerProcess& server = Start(8, {"--program-rule", "/cgi-bin=max-cgi:1"}, "cgi.redirected=stop@1");
  clients_.emplace_back(server.address());
  ASSERT_TRUE(clients_.back().Send(Get("/cgi-bin/hop")));
  pid_t stopped = 0;
  ASSERT_TRUE(Eventually([&] {
    for (const pid_t worker : server.Workers()) {
      if (ReadFile(fmt::format("/proc/{}/stat", worker)).find(") T ") != std::string::npos) stopped = worker;
    }
    return stopped != 0;
  }));
  clients_.emplace_back(server.address());
  ASSERT_TRUE(clients_.back().Send(Get("/cgi-bin/wait?other")));
  ASSERT_TRUE(Eventually([&] { return Marks().size() == 1; }));
  server.SignalWorker(stopped, SIGKILL);
  EXPECT_TRUE(AwaitQueued(1));
  order_ = {"+other", "+redirected"};
  EXPECT_EQ(Marks().size(), 1u);
  ExpectTurnsKept();
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
