// Signals that mean nothing, thousands a second, to all processes of a pool under load: each may interrupt
// any system call there, and none may change an answer.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pool/sys/kill.h"
#include "pool/testing/clients.h"
#include "pool/testing/faults.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

class Storm {
 public:
  Storm(std::vector<pid_t> targets, std::vector<int> signals)
      : targets_(std::move(targets)), signals_(std::move(signals)), thread_([this] { Run(); }) {}
  ~Storm() {
    over_ = true;
    thread_.join();
  }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

 private:
  void Run() {
    constexpr int kAtOnce = 50;
    while (!over_) {
      for (int i = 0; i < kAtOnce; ++i) {
        for (const pid_t target : targets_) {
          for (const int signal : signals_) sent_ += sys::Kill(target, signal) == 0 ? 1 : 0;
        }
      }
      ::poll(nullptr, 0, 1);
    }
  }

  const std::vector<pid_t> targets_;
  const std::vector<int> signals_;
  std::atomic<bool> over_{false};
  std::atomic<std::uint64_t> sent_{0};
  std::thread thread_;
};

Question QuestionOf(const std::string& id) {
  switch (id.back() % 4) {
    case 0:
      return {.request = Get("/cgi-bin/record?id=" + id), .body = id + "\n"};
    case 1: {
      const std::string body(150'000, 'a');
      return {.request = Post("/cgi-bin/echo", body), .body = body};
    }
    case 2:
      return {.request = ChunkedPost("/cgi-bin/echo", std::string(30'000, 'b'), 1'000),
              .body = std::string(30'000, 'b')};
    default:
      return {.request = Get("/?" + id), .body = "hello " + id + "\n"};
  }
}

class SignalStormTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<pid_t> All() const {
    std::vector<pid_t> all = server_.Workers();
    all.push_back(server_.pid());
    all.push_back(server_.Status().at("parent").at("pid").get<pid_t>());
    return all;
  }
  void ExpectOnlyRightAnswers() const {
    const CrowdResult result = AskInCrowd(server_.address(), 8, 2 * sys::kSecond, QuestionOf);
    EXPECT_FALSE(result.answered.empty());
    EXPECT_TRUE(result.problems.empty()) << FirstOf(result.problems);
    EXPECT_EQ(server_.Total("exits"), 0u);
    ExpectNothingLost(server_);
  }

  ServerProcess server_{{.workers = 2, .supervised = true}};
};

TEST_F(SignalStormTest, OfHandledAndIgnoredOnesChangesNoAnswer) {
  const pid_t parent = server_.Status().at("parent").at("pid");
  {
    const Storm storm(All(), {SIGCHLD, SIGWINCH, SIGURG, SIGCONT, SIGUSR1});
    ExpectOnlyRightAnswers();
    EXPECT_GT(storm.sent(), 1'000u);
    server_.Signal(SIGTERM);
    EXPECT_TRUE(Eventually([&] { return !Alive(parent); })) << "TERM is heard in the middle of it";
  }  // a leak check at the supervisor's exit would not come to its end in a storm
  EXPECT_TRUE(server_.WaitForEnd(std::chrono::seconds(20)).clean());
}

TEST_F(SignalStormTest, OfStopsAndContinuationsChangesNoAnswer) {
  {
    const Storm storm(All(), {SIGSTOP, SIGCONT});
    ExpectOnlyRightAnswers();
    EXPECT_GT(storm.sent(), 1'000u);
  }
  EXPECT_TRUE(server_.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
