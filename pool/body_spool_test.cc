// Bodies that are made whole before their programs start: how much of them lies in memory, and that deaths of
// workers cost none of them.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "pool/admin/client.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

int Gauge(const ServerProcess& server, const std::string& name) {
  const auto page = admin::HttpGet("http://" + server.admin() + "/metrics", std::chrono::seconds(10));
  if (!page) return -1;
  const auto at = page->body.find("\n" + name + " ");
  return at == page->body.npos ? -1 : std::stoi(page->body.substr(at + name.size() + 2));
}

void KillAllWorkers(const ServerProcess& server) {
  const std::uint64_t before = server.Total("exits");
  const std::vector<pid_t> workers = server.Workers();
  for (const pid_t worker : workers) server.SignalWorker(worker, SIGKILL);
  EXPECT_TRUE(server.AwaitTotal("exits", before + workers.size()));
}

// Its worker learns of the reset before it has taken anything of the body.
TEST(BodySpoolTest, AClientThatLeavesAtOnceLeavesNoLease) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  ServerProcess server({.workers = 1, .failpoints = "worker.body_held=stop"});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(ChunkedPost("/cgi-bin/echo", "0123456789", 5).substr(0, 100)));
  const pid_t worker = server.Workers().front();
  ASSERT_TRUE(Eventually(
      [&] { return ReadFile(fmt::format("/proc/{}/stat", worker)).find(") T ") != std::string::npos; }));
  client.Abort();
  server.SignalWorker(worker, SIGCONT);
  EXPECT_TRUE(server.Await([](const auto& status) { return status.at("leases").at("open") == 0; }));
  EXPECT_EQ(server.Total("exits"), 0u);
}

TEST(BodySpoolTest, MemoryForBodiesIsCountedExactlyOverThePoolAndAcrossDeaths) {
  ServerProcess server({.workers = 3, .flags = {"--body-memory", "2MB"}});
  const auto counts = [&](int bodies, int in_memory) {
    return Eventually([&] {
      return Gauge(server, "hydrapool_request_bodies") == bodies &&
             Gauge(server, "hydrapool_request_bodies_in_memory") == in_memory;
    });
  };
  const std::string body = FloodBody(700'000);
  const std::string request = ChunkedPost("/cgi-bin/echo", body, 50'000);
  std::deque<HttpClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back(server.address());
    ASSERT_TRUE(clients.back().Send(std::string_view(request).substr(0, 400'000)));
  }
  EXPECT_TRUE(counts(5, 2));
  for (int round = 0; round < 3; ++round) {
    KillAllWorkers(server);
    EXPECT_TRUE(counts(5, 2)) << "after " << round + 1 << " rounds of deaths";
  }
  clients.front().Abort();
  clients.pop_front();
  EXPECT_TRUE(counts(4, 1) || counts(4, 2));  // whether that one lay in memory
  for (HttpClient& client : clients) {
    ASSERT_TRUE(client.Send(std::string_view(request).substr(400'000)));
    const auto answer = client.Receive();
    ASSERT_TRUE(answer) << client.error();
    EXPECT_EQ(answer->status, 200);
    EXPECT_TRUE(answer->body == body);
  }
  EXPECT_TRUE(counts(0, 0));
  EXPECT_EQ(server.Total("abandoned"), 0u);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(BodySpoolTest, ABodyForWhichThereIsNoRoomIsRefused) {
  ServerProcess server({.flags = {"--body-memory", "0", "--body-dir", "/proc"}});
  HttpClient client(server.address());
  const auto answer = client.Ask(ChunkedPost("/cgi-bin/echo", "some body", 4));
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 503);
  EXPECT_TRUE(Eventually([&] { return Gauge(server, "hydrapool_request_bodies") == 0; }));
}

// Field: uploads of 300 KB on a UNIX socket got 502 and had run, 315 of 3,363.
TEST(BodySpoolTest, UploadsOnAUnixSocketAreExecutedOnceAndAnsweredThoughWorkersDie) {
  constexpr int kClients = 6;
  constexpr int kEach = 15;
  const ScratchDir scratch;
  const std::string record = scratch / "executions";
  MakeCountingPrograms(scratch, {"record"}, record);
  ServerProcess server(
      {.workers = 3, .cgi_dir = scratch.path().string(), .listen = "unix:" + (scratch / "socket")});
  const std::string body = FloodBody(300'000);
  std::vector<std::jthread> clients;
  std::atomic<int> good{0};
  std::atomic<int> done{0};
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      HttpClient client(server.address());
      for (int k = 0; k < kEach; ++k) {
        const bool chunked = k % 2 == 0;
        const std::string id = fmt::format("{}-{}", i, k);
        const std::string target = "/cgi-bin/record?id=" + id;
        const auto answer = client.Ask(chunked ? ChunkedPost(target, body, 7'000) : Post(target, body));
        if (answer && answer->body == id + "\n" && answer->Field("X-Body-Bytes") == "300000") ++good;
      }
      ++done;
    });
  }
  for (std::uint64_t kills = 0; done < kClients;) {
    const std::vector<pid_t> workers = server.Workers();
    if (!workers.empty()) server.SignalWorker(workers[kills++ % workers.size()], SIGKILL);
    server.AwaitTotal("exits", kills);
  }
  clients.clear();
  EXPECT_EQ(good, kClients * kEach) << server.Status().at("totals");
  const auto executions = Executions(record);
  EXPECT_EQ(executions.size(), static_cast<std::size_t>(kClients * kEach));
  for (const auto& [id, times] : executions) EXPECT_EQ(times, 1) << id;
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
