// Past --max-cgi requests wait for their program's turn: all of them get it, in their order, whoever dies.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "pool/admin/client.h"
#include "pool/testing/clients.h"
#include "pool/testing/faults.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

class CgiQueueTest : public ::testing::Test {
 protected:
  void Script(const std::string& name, const std::string& text) { WriteProgram(programs_ / name, text); }
  ServerProcess& Start(int most, std::vector<std::string> flags = {}, const std::string& failpoints = "") {
    flags.insert(flags.end(), {"--max-cgi", std::to_string(most), "--cgi-env", "MARKS=" + (marks_ / "marks"),
                               "--cgi-env", "GO=" + (marks_ / "go")});
    return server_.emplace(ServerOptions{.workers = 4,
                                         .cgi_dir = programs_.path(),
                                         .flags = flags,
                                         .supervised = supervised_,
                                         .failpoints = failpoints});
  }
  void Go() const { std::ofstream(marks_ / "go") << "go"; }
  [[nodiscard]] std::vector<std::string> Marks() const {
    std::vector<std::string> marks;
    std::istringstream text(ReadFile(marks_ / "marks"));
    for (std::string line; std::getline(text, line);) marks.push_back(line);
    return marks;
  }
  [[nodiscard]] std::string Metric(const std::string& name) const {
    const auto page = admin::HttpGet("http://" + server_->admin() + "/metrics", std::chrono::seconds(5));
    if (!page) return "";
    const auto at = page->body.find("\n" + name + " ");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 2;
    return page->body.substr(begin, page->body.find('\n', begin) - begin);
  }
  bool AwaitQueued(int count) const {
    return Eventually([&] { return Metric("hydrapool_cgi_queued") == std::to_string(count); });
  }
  /// So many ask one after the other, each when the one before runs or waits.
  void LineUp(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.emplace_back(server_->address());
      ASSERT_TRUE(clients_.back().Send(Get(fmt::format("/cgi-bin/wait?{}", i))));
      order_.push_back(fmt::format("+{}", i));
      ASSERT_TRUE(i == 0 ? Eventually([&] { return Marks().size() == 1; }) : AwaitQueued(i));
    }
  }
  /// They are answered, and their programs were started as they had come.
  void ExpectTurnsKept() {
    Go();
    for (HttpClient& client : clients_) EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, 200);
    EXPECT_EQ(Marks(), order_);
  }

  bool supervised_ = false;
  ScratchDir programs_;
  ScratchDir marks_;
  std::optional<ServerProcess> server_;
  std::deque<HttpClient> clients_;
  std::vector<std::string> order_;
};

constexpr const char* kMark =
    "#!/bin/sh\necho \"+$QUERY_STRING\" >>$MARKS\nread body\necho - >>$MARKS\n"
    "printf 'Content-Type: text/plain\\n\\n%s' \"$body\"\n";
constexpr const char* kMarkUntilTold =
    "#!/bin/sh\necho \"+$QUERY_STRING\" >>$MARKS\nwhile [ ! -e $GO ]; do sleep 0.05; done\n"
    "printf 'Content-Type: text/plain\\n\\nok'\n";

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
  ServerProcess& server = Start(1, {"--cgi-queue", "2", "--cgi-queue-timeout", "500ms"});
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

// Programs of a path, or of one address, have a limit of their own: who waits for that holds up nobody else.
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

pid_t StoppedOf(const ServerProcess& server) {
  for (const pid_t worker : server.Workers()) {
    if (ReadFile(fmt::format("/proc/{}/stat", worker)).find(") T ") != std::string::npos) return worker;
  }
  return 0;
}

TEST_F(CgiQueueTest, WhoIsRefusedLeavesItsPlaceInTheLineBeforeItsClientHasReadThat) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  Script("wait", kMarkUntilTold);
  ServerProcess& server = Start(1, {"--cgi-queue", "1", "--cgi-queue-timeout", "2s"}, "worker.sent=stop@1");
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
  ASSERT_EQ(::kill(parent, SIGKILL), 0);
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
