#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// A program whose request is over is ended, whichever process dies meanwhile.
TEST(LeftProgramsTest, ClientsThatGoAwayUnderLoadLeaveNone) {
  ServerProcess server;
  Command echo(Harness({"echo", "--connections", "8", "--duration", "4s", server.address()}));
  for (int round = 1; round <= 10; ++round) {
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(std::make_unique<HttpClient>(server.address()));
      ASSERT_TRUE(clients.back()->Send(Get("/cgi-bin/slow?before=60000")));
    }
    ASSERT_TRUE(server.AwaitTotal("cgi_started", static_cast<std::uint64_t>(round) * 20));
    for (const auto& client : clients) client->Abort();
  }
  EXPECT_TRUE(echo.Wait(std::chrono::seconds(20)).ok());
  EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); }))
      << server.Programs().size() << " of 200 are left";
  EXPECT_TRUE(server.Stop().clean());
}

bool IgnoresTerm(pid_t pid) {
  return ReadFile(fmt::format("/proc/{}/status", pid)).find("SigIgn:\t0000000000004000") != std::string::npos;
}

// What is being ended runs still, and counts: else clients that come and go start any number.
TEST(LeftProgramsTest, ProgramsThatAreBeingEndedCountAmongThoseThatMayRun) {
  ServerProcess server({.flags = {"--max-cgi", "3", "--cgi-queue", "0"}});
  HttpClient client(server.address());
  const auto refused = [&] {
    std::vector<std::unique_ptr<HttpClient>> leave;
    for (int i = 0; i < 3; ++i) {
      leave.push_back(std::make_unique<HttpClient>(server.address()));
      EXPECT_TRUE(leave.back()->Send(Get("/cgi-bin/hang")));
    }
    EXPECT_TRUE(Eventually([&] { return std::ranges::count_if(server.Programs(), IgnoresTerm) == 3; }));
    for (const auto& each : leave) each->Abort();
    EXPECT_TRUE(server.Await([](const auto& status) { return status["leases"]["busy"] == 0; }));
    const auto answer = client.Ask(Get("/cgi-bin/hello"));
    EXPECT_TRUE(answer) << client.error();
    EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); }));
    EXPECT_TRUE(server.Await([](const auto& status) { return status["cgi_processes"] == 0; }));
    return answer && answer->status == 503;
  };
  // KILL comes 0.7 s after TERM: on a slow machine they may be gone before it asks.
  EXPECT_TRUE(refused() || refused() || refused());
  EXPECT_EQ(client.Ask(Get("/cgi-bin/hello")).value_or(HttpAnswer{}).status, 200);
  EXPECT_TRUE(server.Stop().clean());
}

class LeftProgramsAtTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  }
};

TEST_P(LeftProgramsAtTest, AClientThatGoesAwayAndADeath) {
  ServerProcess server({.failpoints = GetParam() + "=kill@1"});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/hang")));
  ASSERT_TRUE(Eventually([&] { return server.Programs().size() == 1; }));
  client.Abort();
  EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); }));
  EXPECT_TRUE(server.Stop().clean());
}

TEST_P(LeftProgramsAtTest, ATimeOutAndADeath) {
  ServerProcess server({.flags = {"--cgi-timeout", "0.5"}, .failpoints = GetParam() + "=kill@1"});
  HttpClient client(server.address());
  const auto answer = client.Ask(Get("/cgi-bin/hang"));
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 504);
  EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); }));
  EXPECT_EQ(client.Rest(), "");
  EXPECT_TRUE(server.Stop().clean());
}

INSTANTIATE_TEST_SUITE_P(Kill, LeftProgramsAtTest,
                         ::testing::Values("worker.claimed", "worker.noted", "worker.responding",
                                           "worker.sent", "worker.committed", "worker.closed",
                                           "worker.returned"),
                         [](const auto& test) {
                           std::string name = test.param;
                           name[name.find('.')] = '_';
                           return name;
                         });

}  // namespace
}  // namespace hydrapool::support
