#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// Two network namespaces with one cable between them, of Ethernet's MTU: segments, acknowledgements and
/// windows as on a real network, where loopback has none to speak of.
class NetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "needs root";
    if (!RunProgram({"ip", "-V"}).ok() || !RunProgram({"curl", "-V"}).ok())
      GTEST_SKIP() << "needs ip and curl";
    if (!Ip({"netns", "add", near_}) || !Ip({"netns", "add", far_}))
      GTEST_SKIP() << "no network namespaces here";
    ASSERT_TRUE(Ip({"link", "add", "cable", "mtu", "1500", "netns", near_, "type", "veth", "peer", "name",
                    "cable", "mtu", "1500", "netns", far_}));
    for (const auto& [space, address] : {std::pair(near_, "10.77.0.1/24"), {far_, "10.77.0.2/24"}}) {
      ASSERT_TRUE(Ip({"-n", space, "addr", "add", address, "dev", "cable"}));
      ASSERT_TRUE(Ip({"-n", space, "link", "set", "cable", "up"}));
      ASSERT_TRUE(Ip({"-n", space, "link", "set", "lo", "up"}));
    }
  }
  void TearDown() override {
    Ip({"netns", "del", near_});
    Ip({"netns", "del", far_});
  }

  static bool Ip(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "ip");
    return RunProgram(arguments).ok();
  }
  static std::vector<std::string> In(const std::string& space, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"ip", "netns", "exec", space});
    return arguments;
  }
  Command Download(const ServerProcess& server, const std::string& query, const std::string& rate,
                   const std::string& file) const {
    return Command(In(far_, {"curl", "--silent", "--fail", "--limit-rate", rate, "--output", scratch_ / file,
                             fmt::format("http://{}/cgi-bin/flood?{}", server.address(), query)}));
  }

  const std::string near_ = fmt::format("hydrapool-{}-a", ::getpid());
  const std::string far_ = fmt::format("hydrapool-{}-b", ::getpid());
  ScratchDir scratch_;
};

TEST_F(NetworkTest, SlowReadersGetEveryByteOnce) {
  ServerProcess server({.workers = 4, .before = In(near_, {}), .listen = "10.77.0.1:0"});
  Command inject(In(near_, Harness({"inject", "--parent", std::to_string(server.pid()), "--admin",
                                    server.admin(), "--every", "30ms", "--for", "60s", "--seed", "5"})));
  Command chunked = Download(server, "bytes=2500000", "400k", "chunked");
  Command by_length = Download(server, "bytes=1200000&length=1", "200k", "by_length");
  const Finished echo =
      RunProgram(In(far_, Harness({"echo", "--slow-reader", "30000", "--connections", "32", "--pipeline",
                                   "16", "--duration", "6s", server.address()})));
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

}  // namespace
}  // namespace hydrapool::support
