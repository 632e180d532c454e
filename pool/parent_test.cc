#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "pool/testing/faults.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// The value of "NAME:\tVALUE ..." in /proc/PID/status.
long StatusField(pid_t pid, const std::string& name) {
  std::istringstream lines(ReadFile(fmt::format("/proc/{}/status", pid)));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
  }
  return -1;
}

struct Size {
  long descriptors = 0;
  long resident_kb = 0;
};

Size SizeOf(pid_t pid) {
  const std::filesystem::directory_iterator open(fmt::format("/proc/{}/fd", pid));
  return {std::distance(begin(open), end(open)), StatusField(pid, "VmRSS")};
}

/// With so many deaths behind it and no connection open.
Size SizeAfter(ServerProcess& server, std::uint64_t deaths) {
  Injection injection(server, {.target = "all", .every = "20ms"});
  while (server.Total("exits") < deaths && !::testing::Test::HasFailure()) {
    const Finished echo =
        RunProgram(Harness({"echo", "--connections", "64", "--duration", "500ms", server.address()}));
    EXPECT_TRUE(echo.ok()) << echo.output;
  }
  injection.End();
  EXPECT_TRUE(server.Await([](const auto& status) { return status.at("leases").at("open") == 0; }));
  EXPECT_TRUE(server.AwaitQuiet());
  return SizeOf(server.pid());
}

TEST(ParentTest, HasOneThreadAndDoesNotGrowOverAThousandKills) {
  constexpr long kSlackKb = 1024;
  ServerProcess server({.workers = 8});
  EXPECT_EQ(StatusField(server.pid(), "Threads"), 1);
  const Size early = SizeAfter(server, 200);
  const Size late = SizeAfter(server, 1000);
  fmt::print("after 200: {} descriptors, {} kB; after {}: {}, {} kB\n", early.descriptors, early.resident_kb,
             server.Total("exits"), late.descriptors, late.resident_kb);
  EXPECT_TRUE(Eventually([&] { return SizeOf(server.pid()).descriptors <= early.descriptors; }))
      << late.descriptors << " after " << early.descriptors;
  EXPECT_LE(late.resident_kb, early.resident_kb + kSlackKb);
  EXPECT_EQ(StatusField(server.pid(), "Threads"), 1);
  EXPECT_THAT(server.Programs(), ::testing::IsEmpty()) << "zombies or strangers";
  ExpectNothingLost(server);
  EXPECT_TRUE(server.Stop().clean());
}

/// A server with programs running that do not listen to TERM.
class EndTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 8; ++i) {
      clients_.push_back(std::make_unique<HttpClient>(server_.address()));
      ASSERT_TRUE(clients_.back()->Send(Get("/cgi-bin/hang")));
    }
    ASSERT_TRUE(Eventually([this] { return server_.Programs().size() == 8; }));
    children_ = ChildrenOf(server_.pid());
    ASSERT_EQ(children_.size(), 12u);
  }
  void ExpectNothingLeft() {
    EXPECT_TRUE(Eventually(
        [this] { return std::ranges::none_of(children_, [](const pid_t child) { return Alive(child); }); }));
  }
  ServerProcess server_{{.workers = 4}};
  std::vector<std::unique_ptr<HttpClient>> clients_;
  std::vector<pid_t> children_;
};

TEST_F(EndTest, ASecondTermEndsEverythingAtOnce) {
  server_.Signal(SIGTERM);
  ASSERT_TRUE(Eventually([this] { return server_.Log().find("draining") != std::string::npos; }));
  server_.Signal(SIGTERM);
  EXPECT_TRUE(server_.WaitForEnd(std::chrono::seconds(10)).clean());
  ExpectNothingLeft();
}

TEST_F(EndTest, IntEndsEverythingAtOnce) {
  server_.Signal(SIGINT);
  EXPECT_TRUE(server_.WaitForEnd(std::chrono::seconds(10)).clean());
  ExpectNothingLeft();
}

TEST_F(EndTest, AKilledParentLeavesNothingBehind) {
  server_.Signal(SIGKILL);
  EXPECT_EQ(server_.WaitForEnd(std::chrono::seconds(10)).signal, SIGKILL);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace hydrapool::support
