#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <algorithm>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "pool/sys/kill.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

// TERM to workers that have programs in hand.
namespace hydrapool::support {
namespace {

class LeaveTest : public ::testing::Test {
 protected:
  LeaveTest() {
    WriteProgram(programs_ / "slow",
                 "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n"
                 "while [ ! -e $MARKS/go ]; do sleep 0.02; done\necho slow $QUERY_STRING\n");
    server_.emplace(ServerOptions{.workers = 2,
                                  .cgi_dir = programs_.path().string(),
                                  .flags = {"--cgi-env", "MARKS=" + marks_.path().string()}});
  }
  // Once all workers are ready and hold nothing else, so that each gets its share.
  void AskSlowly(int count) {
    ASSERT_TRUE(server_->Await([&](const auto& status) {
      return status["leases"]["open"] == slow_.size() &&
             std::ranges::all_of(status["workers"],
                                 [](const auto& each) { return each["state"] == "ready"; });
    }));
    for (int i = 0; i < count; ++i) {
      slow_.push_back(std::make_unique<HttpClient>(server_->address()));
      ASSERT_TRUE(slow_.back()->Send(Get(fmt::format("/cgi-bin/slow?{}", slow_.size()))));
    }
    ASSERT_TRUE(server_->Await([&](const auto& status) { return status["leases"]["busy"] == slow_.size(); }));
  }
  void TellAllWorkersToLeave(std::size_t leaving) {
    for (const pid_t worker : server_->Workers()) server_->SignalWorker(worker, SIGTERM);
    ASSERT_TRUE(server_->Await([&](const auto& status) { return status["workers_leaving"] == leaving; }));
  }
  void EndSlowOnes() {
    std::ofstream(marks_.path() / "go") << "\n";
    for (std::size_t i = 0; i < slow_.size(); ++i) {
      const auto answer = slow_[i]->Receive();
      ASSERT_TRUE(answer) << slow_[i]->error();
      EXPECT_EQ(answer->status, 200);
      EXPECT_EQ(answer->body, fmt::format("slow {}\n", i + 1));
    }
  }

  ScratchDir programs_;
  ScratchDir marks_;
  std::optional<ServerProcess> server_;
  std::vector<std::unique_ptr<HttpClient>> slow_;
};

TEST_F(LeaveTest, NewcomersAreAnsweredWhileAllWorkersFinishSlowPrograms) {
  for (std::size_t round = 1; round <= 3; ++round) {
    AskSlowly(4);
    TellAllWorkersToLeave(2 * round);
    for (int i = 0; i < 5; ++i) {
      HttpClient newcomer(server_->address());
      EXPECT_EQ(newcomer.Ask(Get("/?newcomer")).value_or(HttpAnswer{}).body, "hello newcomer\n");
    }
  }
  EndSlowOnes();
  ASSERT_TRUE(server_->Await([](const auto& status) { return status["workers_leaving"] == 0; }));
  const auto status = server_->Status();
  EXPECT_EQ(status["totals"]["exits"], 6);
  EXPECT_EQ(status["totals"]["unavailable"], 0);
  EXPECT_EQ(status["totals"]["lost"], 0);
  EXPECT_EQ(status["totals"]["cut"], 0);
  EXPECT_EQ(status["totals"]["requests"], 27);
  EXPECT_EQ(status["totals"]["cgi_started"], 12) << "each program runs once";
  for (const auto& worker : status["workers"]) EXPECT_EQ(worker["incarnation"], 4);
}

TEST_F(LeaveTest, AWorkerThatIsKilledWhileItLeavesLosesNothing) {
  AskSlowly(4);
  const auto leavers = server_->Workers();
  TellAllWorkersToLeave(2);
  for (const pid_t worker : leavers) ASSERT_EQ(sys::Kill(worker, SIGKILL), 0);
  ASSERT_TRUE(server_->Await([](const auto& status) { return status["workers_leaving"] == 0; }));
  EndSlowOnes();
  EXPECT_EQ(server_->Total("cgi_started"), 4u);
  EXPECT_EQ(server_->Total("cut"), 0u);
}

}  // namespace
}  // namespace hydrapool::support
