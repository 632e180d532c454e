#include "harness/observe/steady_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;

/// A server on the test's own loop that answers until it is told not to.
struct SteadyTest : testing::Test {
  SteadyTest() {
    plan = PlanFor("http://" + sys::LocalAddress(listener.get()) + "/x").value();
    watch = loop.Add(listener.get(), EPOLLIN, [this](std::uint32_t) {
      for (auto taken = sys::Accept(listener.get()); taken.fd; taken = sys::Accept(listener.get())) {
        taken_.push_back(std::move(taken.fd));
        if (serving) ::send(taken_.back().get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    });
  }
  void RunUntil(const std::function<bool()>& done) {
    const sys::Nanos deadline = sys::Now() + 20 * sys::kSecond;
    while (!done() && sys::Now() < deadline) loop.RunOnce(deadline);
    EXPECT_TRUE(done());
  }

  sys::EventLoop loop;
  sys::UniqueFd listener = sys::Listen("127.0.0.1:0");
  sys::EventLoop::Watch watch;
  EchoPlan plan;
  bool serving = true;
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  std::vector<sys::UniqueFd> taken_;
};

TEST_F(SteadyTest, ABreachIsToldOnceWhenNothingIsAnsweredAnyMore) {
  std::vector<std::string> breaches;
  const SteadyState steady(loop, plan, 3 * sys::kSecond,
                           [&](const std::string& why) { breaches.push_back(why); });
  RunUntil([this] { return taken_.size() >= 12; });
  EXPECT_TRUE(breaches.empty());
  serving = false;
  RunUntil([&] { return !breaches.empty(); });
  EXPECT_THAT(breaches.at(0), HasSubstr("no request was answered for 3 s"));
}

TEST_F(SteadyTest, ErrorsAreNoAnswersAndToldApartFromNone) {
  answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx";
  std::string why;
  const SteadyState steady(loop, plan, 200 * sys::kMillisecond,
                           [&](const std::string& breach) { why = breach; });
  RunUntil([&] { return !why.empty(); });
  EXPECT_EQ(why, "no request was answered but by an error for 200 ms");
}

TEST_F(SteadyTest, AServerThatIsNotThereIsABreach) {
  plan = PlanFor("http://" + sys::LocalAddress(sys::Listen("127.0.0.1:0").get())).value();
  bool breached = false;
  const SteadyState steady(loop, plan, 200 * sys::kMillisecond, [&](const std::string&) { breached = true; });
  RunUntil([&] { return breached; });
  EXPECT_GE(steady.longest_gap(), 200 * sys::kMillisecond);
}

TEST(PlanForTest, TakesTheAddressApart) {
  const auto plan = PlanFor("http://127.0.0.1:8080/a?b");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->host, "127.0.0.1:8080");
  EXPECT_EQ(plan->path, "/a?b");
  EXPECT_EQ(PlanFor("http://127.0.0.1")->path, "/");
  EXPECT_FALSE(PlanFor("ftp://127.0.0.1/"));
}

}  // namespace
}  // namespace hydrapool::harness
