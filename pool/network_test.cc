#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <deque>
#include <ostream>
#include <string>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/network.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

class NetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!network_.missing().empty()) GTEST_SKIP() << network_.missing();
    for (const char* tool : {"curl", "nft", "tc"})
      if (!RunProgram({tool, "-V"}).ok()) GTEST_SKIP() << "needs " << tool;
  }

  std::vector<std::string> Download(const ServerProcess& server, const std::string& query,
                                    const std::string& rate, const std::string& file) const {
    return Network::In(network_.far(),
                       {"curl", "--silent", "--fail", "--limit-rate", rate, "--output", scratch_ / file,
                        fmt::format("http://{}/cgi-bin/flood?{}", server.address(), query)});
  }

  Network network_;
  ScratchDir scratch_;
};

TEST_F(NetworkTest, SlowReadersGetEveryByteOnce) {
  ServerProcess server({.workers = 4, .before = Network::In(network_.near(), {}), .listen = "10.77.0.1:0"});
  Command inject(Network::In(
      network_.near(), Harness({"inject", "--parent", std::to_string(server.pid()), "--admin", server.admin(),
                                "--every", "30ms", "--for", "60s", "--seed", "5"})));
  Command chunked(Download(server, "bytes=2500000", "400k", "chunked"));
  Command by_length(Download(server, "bytes=1200000&length=1", "200k", "by_length"));
  const Finished echo = RunProgram(
      Network::In(network_.far(), Harness({"echo", "--slow-reader", "30000", "--connections", "32",
                                           "--pipeline", "16", "--duration", "6s", server.address()})));
  EXPECT_TRUE(echo.ok()) << echo.output;
  fmt::print("{}", echo.output);
  EXPECT_TRUE(chunked.Wait(std::chrono::seconds(20)).ok());
  EXPECT_TRUE(by_length.Wait(std::chrono::seconds(20)).ok());
  inject.Signal(SIGINT);
  const Finished kills = inject.Wait(std::chrono::seconds(10));
  EXPECT_TRUE(kills.ok()) << kills.output;
  EXPECT_TRUE(ReadFile(scratch_ / "chunked") == FloodBody(2'500'000));
  EXPECT_TRUE(ReadFile(scratch_ / "by_length") == FloodBody(1'200'000));
  EXPECT_TRUE(server.Stop().clean());
}

struct LocalFailure {
  const char* name;
  std::vector<std::string> begin;  ///< run in the server's namespace
};
void PrintTo(const LocalFailure& failure, std::ostream* out) { *out << failure.name; }

class LocalFailureTest : public NetworkTest, public ::testing::WithParamInterface<LocalFailure> {};

// What fails before it leaves is counted by the kernel as sent, and again when it is tried again: a rescue
// that believed that would leave bytes out.
TEST_P(LocalFailureTest, EveryByteArrivesOnceUnderKills) {
  ServerProcess server({.workers = 4, .before = Network::In(network_.near(), {}), .listen = "10.77.0.1:0"});
  Command failing(Network::In(network_.near(), GetParam().begin));
  Command inject(Network::In(
      network_.near(), Harness({"inject", "--parent", std::to_string(server.pid()), "--admin", server.admin(),
                                "--every", "15ms", "--for", "60s", "--seed", "5"})));
  std::deque<Command> downloads;
  for (int i = 0; i < 8; ++i) {
    downloads.emplace_back(Download(server, i % 2 == 0 ? "bytes=900000" : "bytes=900000&length=1", "1M",
                                    fmt::format("flood{}", i)));
  }
  const Finished echo = RunProgram(Network::In(
      network_.far(),
      Harness({"echo", "--connections", "32", "--pipeline", "8", "--duration", "6s", server.address()})));
  EXPECT_TRUE(echo.ok()) << echo.output;
  for (std::size_t i = 0; i < downloads.size(); ++i) {
    const Finished download = downloads[i].Wait(std::chrono::seconds(40));
    EXPECT_TRUE(download.ok()) << download.status.Describe();
    EXPECT_TRUE(ReadFile(scratch_ / fmt::format("flood{}", i)) == FloodBody(900'000));
  }
  inject.Signal(SIGINT);
  const Finished kills = inject.Wait(std::chrono::seconds(10));
  EXPECT_TRUE(kills.ok()) << kills.output;
  const Network::Inside inside(network_.near());
  for (const char* total : {"lost", "cut", "abandoned"}) EXPECT_EQ(server.Total(total), 0u) << total;
  EXPECT_GT(server.Total("exits"), 100u);
  EXPECT_TRUE(server.Stop().clean());
}

const char* const kFilter =
    "nft 'table inet t { chain o { type filter hook output priority 0;"
    " tcp flags & psh != 0 numgen random mod 100 < 2 drop; } }'";
const char* const kFullQueue = "tc qdisc add dev cable root tbf rate 60mbit burst 5000 limit 20000";
const char* const kNoRoute =
    "while :; do ip route del 10.77.0.0/24; sleep 0.05;"
    " ip route add 10.77.0.0/24 dev cable src 10.77.0.1; sleep 0.5; done";
INSTANTIATE_TEST_SUITE_P(All, LocalFailureTest,
                         ::testing::Values(LocalFailure{"filter", {"sh", "-c", kFilter}},
                                           LocalFailure{"full_queue", {"sh", "-c", kFullQueue}},
                                           LocalFailure{"no_route", {"sh", "-c", kNoRoute}}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace hydrapool::support
