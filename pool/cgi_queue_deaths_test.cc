// Whoever dies, a request that waits for its program's turn keeps it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "pool/sys/kill.h"
#include "pool/testing/cgi_queue.h"
#include "pool/testing/clients.h"
#include "pool/testing/faults.h"
#include "pool/testing/json.h"

namespace hydrapool::support {
namespace {

pid_t StoppedOf(const ServerProcess& server) {
  for (const pid_t worker : server.Workers()) {
    if (ReadFile(fmt::format("/proc/{}/stat", worker)).find(") T ") != std::string::npos) return worker;
  }
  return 0;
}

// Its turn is the lease's: another worker finds it as it was.
TEST_F(CgiQueueTest, ADeathCostsNobodysTurn) {
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1);
  ASSERT_NO_FATAL_FAILURE(LineUp(6));
  for (const pid_t worker : server.Workers()) server.SignalWorker(worker, SIGKILL);
  ASSERT_TRUE(server.AwaitTotal("exits", 4));
  ASSERT_TRUE(AwaitQueued(5));
  ExpectTurnsKept();
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(CgiQueueTest, ADeathWhileItsProgramStartsCostsNobodysTurnEither) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1, {}, "worker.prepared=kill@2");
  ASSERT_NO_FATAL_FAILURE(LineUp(6));
  ExpectTurnsKept();
  EXPECT_TRUE(server.AwaitTotal("exits", 1));
  EXPECT_TRUE(server.Stop().clean());
}

// A crash in which no request was named is not theirs: they have set up nothing on the loop.
TEST_F(CgiQueueTest, CrashesOfTheirWorkersStrikeNobodyWhoWaits) {
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1);
  HttpClient runs(server.address());
  ASSERT_TRUE(runs.Send(Get("/cgi-bin/wait?runs")));
  ASSERT_TRUE(Eventually([&] { return Marks().size() == 1; }));
  HttpClient waits(server.address());
  ASSERT_TRUE(waits.Send(Get("/cgi-bin/wait?waits")));
  ASSERT_TRUE(AwaitQueued(1));
  for (unsigned round = 1; round <= 3; ++round) {
    for (const pid_t worker : server.Workers()) server.SignalWorker(worker, SIGSEGV);
    ASSERT_TRUE(server.AwaitTotal("exits", 4 * round));
    ASSERT_TRUE(AwaitQueued(1));
    ASSERT_TRUE(Eventually([&] { return server.Workers().size() == 4; }));
  }
  Go();
  EXPECT_EQ(runs.Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(waits.Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(Marks(), (std::vector<std::string>{"+runs", "+waits"}));
}

TEST_F(CgiQueueTest, UnderKillsEachRunsOnceAndIsAnswered) {
  Script(
      "quick",
      "#!/bin/sh\necho \"+$QUERY_STRING\" >>$MARKS\nprintf 'Content-Type: a/b\\n\\n%s' \"$QUERY_STRING\"\n");
  ServerProcess& server = Start(2);
  Injection kills(server, {.every = "50ms"});
  const CrowdResult crowd = AskInCrowd(server.address(), 24, 3 * sys::kSecond, [](const std::string& id) {
    return Question{.request = Get("/cgi-bin/quick?" + id), .body = id};
  });
  kills.End();
  EXPECT_TRUE(crowd.problems.empty()) << FirstOf(crowd.problems);
  std::map<std::string, int> runs;
  for (const std::string& mark : Marks()) ++runs[mark.substr(1)];
  for (const std::string& id : crowd.answered) EXPECT_EQ(runs[id], 1) << id;
  EXPECT_TRUE(server.AwaitQuiet());
  EXPECT_TRUE(AwaitQueued(0));
  ExpectNothingLost(server);
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(CgiQueueTest, AWorkerThatDiesOverARefusalLeavesNobodyInTheLine) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  Script("slow", kMarkUntilTold);
  ServerProcess& server = Start(1, {"--cgi-queue-timeout", "0.3"}, "worker.committed=kill@1");
  HttpClient first(server.address());
  ASSERT_TRUE(first.Send(Get("/cgi-bin/slow?first")));
  ASSERT_TRUE(server.Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
  HttpClient refused(server.address());
  ASSERT_TRUE(refused.Send(Get("/cgi-bin/slow?refused")));
  EXPECT_EQ(refused.Receive().value_or(HttpAnswer{}).status, 503);
  EXPECT_TRUE(server.AwaitTotal("exits", 1));
  EXPECT_TRUE(AwaitQueued(0)) << "though its connection is open";
  Go();
  EXPECT_EQ(first.Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(Marks(), std::vector<std::string>{"+first"});
}

TEST_F(CgiQueueTest, ADeathOnTheWayIntoTheLineOrOutOfItLosesNothing) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  Script("quick", kMark);
  for (const char* point : {"worker.in_line=kill@2", "cgi.waits_for_a_place=kill@3",
                            "worker.place_claimed=kill@5", "cgi.spawned=kill@3"}) {
    ServerProcess& server = Start(1, {}, point);
    std::deque<HttpClient> clients;
    for (int i = 0; i < 30; ++i) clients.emplace_back(server.address());
    for (const HttpClient& client : clients) ASSERT_TRUE(client.Send(Get("/cgi-bin/quick")));
    for (HttpClient& client : clients)
      ASSERT_EQ(client.Receive().value_or(HttpAnswer{}).status, 200) << point;
    EXPECT_TRUE(AwaitQueued(0)) << point;
    EXPECT_TRUE(server.Stop().clean());
  }
}

TEST_F(CgiQueueTest, WhoIsRefusedLeavesItsPlaceInTheLineBeforeItsClientHasReadThat) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1, {"--cgi-queue", "1", "--cgi-queue-timeout", "5s"}, "worker.sent=stop@1");
  ASSERT_NO_FATAL_FAILURE(LineUp(2));
  ASSERT_TRUE(Eventually([&] { return StoppedOf(server) != 0; }));
  HttpClient next(server.address());
  ASSERT_TRUE(next.Send(Get("/cgi-bin/wait?next")));
  ASSERT_TRUE(AwaitQueued(1)) << next.Receive().value_or(HttpAnswer{}).body;
  server.SignalWorker(StoppedOf(server), SIGKILL);
  Go();
  EXPECT_TRUE(Eventually([&] { return Marks() == std::vector<std::string>{"+0", "+next"}; }));
}

// Its slot is another connection's as soon as a new parent has seen that it is closed.
TEST_F(CgiQueueTest, AWorkerThatHasClosedAConnectionTakesNobodyElsesTurn) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  Script("wait", kMarkUntilTold);
  supervised_ = true;
  ServerProcess& server = Start(1, {"--stall-timeout", "60s"}, "worker.closed=stop@1");
  ASSERT_NO_FATAL_FAILURE(LineUp(2));
  clients_.back().Abort();
  clients_.pop_back();
  order_.pop_back();
  ASSERT_TRUE(Eventually([&] { return StoppedOf(server) != 0; }));
  const pid_t stopped = StoppedOf(server);
  const auto parent_of = [](const auto& status) {
    return status.at("parent").at("pid").template get<pid_t>();
  };
  const pid_t parent = parent_of(server.Status());
  ASSERT_EQ(sys::Kill(parent, SIGKILL), 0);
  ASSERT_TRUE(server.Await([&](const auto& status) { return parent_of(status) != parent; }));
  for (const char* const each : {"x", "y"}) {
    clients_.emplace_back(server.address());
    ASSERT_TRUE(clients_.back().Send(Get(fmt::format("/cgi-bin/wait?{}", each))));
    order_.push_back(fmt::format("+{}", each));
    ASSERT_TRUE(AwaitQueued(static_cast<int>(clients_.size()) - 1));
  }
  server.SignalWorker(stopped, SIGTERM);
  server.SignalWorker(stopped, SIGCONT);
  ASSERT_TRUE(server.AwaitTotal("exits", 1));
  ExpectTurnsKept();
}

}  // namespace
}  // namespace hydrapool::support
