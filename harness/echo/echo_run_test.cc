#include "harness/echo/echo_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "harness/testing/echo_server.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

TEST(EchoRunTest, AFaithfulServerIsExactHoweverConnectionsEnd) {
  for (const std::size_t pipeline : {1u, 7u}) {
    for (const Ending ending : {Ending::kNone, Ending::kHeader, Ending::kHalfClose, Ending::kOurClose}) {
      const auto result = Check(Echo, With(pipeline, ending, 3));
      EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
      EXPECT_GT(result.counts.ok, 0u);
      EXPECT_EQ(result.counts.ok, result.counts.sent);
      EXPECT_TRUE(ending == Ending::kNone || result.connections > 8);
    }
  }
}

TEST(EchoRunTest, AUnixSocketIsAskedToo) {
  const sys::ScratchDir scratch("echo-run-test");
  const std::string address = "unix:" + (scratch / "socket");
  sys::EventLoop loop;
  const EchoServer server(loop, Echo, address);
  EchoOptions options = With(7, Ending::kHeader, 3);
  ASSERT_TRUE(Resolve(address, options.plan));
  options.connections = 4;
  options.duration = 300 * sys::kMillisecond;
  const auto result = EchoRun(loop, options).Run();
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.ok, 0u);
}

TEST(EchoRunTest, ASlowReaderGetsEverythingToo) {
  EchoOptions options = With(4, Ending::kNone, 0);
  options.plan.slow_reader = 20'000;
  const auto result = Check(Echo, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.ok, 0u);
}

TEST(EchoRunTest, PausesKeepTheRateDown) {
  EchoOptions options = With(1, Ending::kNone, 0);
  options.plan.pause = 100 * sys::kMillisecond;
  const auto result = Check(Echo, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GE(result.counts.ok, 8u);
  EXPECT_LE(result.counts.ok, 8u * 4);
}

TEST(EchoRunTest, BurstsAreAnsweredWhole) {
  EchoOptions options = With(1, Ending::kHeader, 1);
  options.times = 5;
  const auto result = Check(Echo, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_EQ(result.counts.ok, 40u);
  EXPECT_EQ(result.unclosed, 0u);
}

TEST(EchoRunTest, ABurstThatIsNotAllAnsweredIsSeen) {
  EchoOptions options = With(1, Ending::kHeader, 1);
  options.times = 2;
  const auto result = Check([](const std::string& id) { return id == "3" ? "" : Echo(id); }, options);
  EXPECT_FALSE(result.counts.exact());
  EXPECT_EQ(result.counts.ok, 15u);
  EXPECT_EQ(result.counts.eof, 1u);
}

TEST(EchoRunTest, AServerThatAnswersTwiceIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string& id) { return Echo(id) + Echo(id); }));
  EXPECT_FALSE(result.counts.exact());
  EXPECT_GT(result.counts.duplicate, 0u);
  EXPECT_EQ(result.counts.lost(), 0u);
}

TEST(EchoRunTest, TellsHowManyConnectionsHadAnAnswer) {
  EXPECT_EQ(Check(Echo, With(1, Ending::kNone, 0)).answered, 8u);
  EXPECT_EQ(Check([](const std::string&) { return ""; }, With(1, Ending::kNone, 0)).answered, 0u);
}

TEST(EchoRunTest, AServerThatDropsARequestIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string&) { return ""; }), {}, 2 * sys::kSecond);
  EXPECT_FALSE(result.counts.exact());
  EXPECT_EQ(result.counts.unanswered, 8u);
}

TEST(EchoRunTest, AServerThatDropsARequestOfAPipelineIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string&) { return ""; }), With(4, Ending::kNone, 0));
  EXPECT_FALSE(result.counts.exact());
  EXPECT_GT(result.counts.unanswered, 0u);
}

TEST(EchoRunTest, AServerThatSwapsBytesIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string& id) { return Whole("hello " + id + "1\n"); }));
  EXPECT_FALSE(result.counts.exact());
  EXPECT_GT(result.counts.wrong, 0u);
}

TEST(EchoRunTest, AServerThatGarblesABodyIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string& id) { return Whole("hullo " + id + "\n"); }));
  EXPECT_GT(result.counts.wrong, 0u);
}

TEST(EchoRunTest, AServerThatAnswersWithAnErrorIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string&) { return Whole("sorry\n", 502); }));
  EXPECT_GT(result.counts.refused_status, 0u);
  EXPECT_FALSE(result.counts.exact());
}

TEST(EchoRunTest, AServerThatCutsAnAnswerIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string& id) { return Echo(id).substr(0, 30); }),
                            With(1, Ending::kHeader, 50));
  EXPECT_GT(result.counts.lost() + result.counts.wrong, 0u);
}

TEST(EchoRunTest, AServerThatResetsIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string&) { return "RESET"; }));
  EXPECT_GT(result.counts.reset, 0u);
}

EchoOptions WithBodies(std::vector<std::size_t> sizes) {
  EchoOptions options;
  options.plan.mix.body_sizes = std::move(sizes);
  options.plan.path = "/echo";
  options.plan.pipeline = 3;
  return options;
}

TEST(EchoRunTest, BodiesComeBackAsTheyWent) {
  const auto result =
      Check([](const std::string& body) { return Whole(body); }, WithBodies({0, 1, 2, 300, 3000}));
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.ok, 0u);
  EXPECT_EQ(result.counts.ok, result.counts.sent);
}

TEST(EchoRunTest, ABodyWithOneByteChangedIsWrong) {
  const auto result = Check(
      [](std::string body) {
        body.back() = '?';
        return Whole(body);
      },
      WithBodies({1000}));
  EXPECT_GT(result.counts.wrong, 0u);
  EXPECT_EQ(result.counts.ok, 0u);
}

TEST(EchoRunTest, AByteAtATimeIsUnderstoodToo) {
  auto options = WithBodies({0, 5, 60});
  options.plan.mix.bytewise = 1;
  const auto result = Check([](const std::string& body) { return Whole(body); }, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.ok, 0u);
}

TEST(EchoRunTest, WhatTheClientResetsIsGivenUpAndNotLost) {
  EchoOptions options;
  options.plan.mix.reset_within = 300;
  const auto result = Check(Echo, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.given_up, 0u);
  EXPECT_GT(result.connections, 8u);
  EXPECT_EQ(result.counts.sent, result.counts.ok + result.counts.given_up);
}

TEST(EchoRunTest, FloodsRunBesideTheChecks) {
  EchoOptions options;
  options.floods = {FloodKind::kPipe, FloodKind::kPipe};
  const auto result = Check(Echo, options);
  EXPECT_GT(result.counts.ok, 0u);
  EXPECT_GE(result.flood.opened, 2u);
  EXPECT_GT(result.flood.sent, 0u);
}

/// Connections that are to rest, at a server that keeps none.
TEST(EchoRunTest, WhereTheServerKeepsNoConnectionsTheRestingAreNoStorm) {
  sys::EventLoop loop;
  EchoServer server(loop, Echo);
  server.closes_always = true;
  EchoOptions options;
  ASSERT_TRUE(Resolve(server.address(), options.plan));
  options.connections = 8;
  options.duration = 300 * sys::kMillisecond;
  options.answer_within = 2 * sys::kSecond;
  options.plan.pause = 3600 * sys::kSecond;
  options.plan.any_answer = true;
  options.spares = true;
  const auto result = EchoRun(loop, options).Run();
  EXPECT_GT(result.connections, 8u) << "they are tried again";
  EXPECT_LE(result.connections, 8u * 6) << "after 20, 40, 80, 160 ms";
  EXPECT_GE(result.unkept * 2, result.connections);
}

TEST(EchoRunTest, AServerThatEndsConnectionsAfterOneAnswerUnannouncedIsSeen) {
  sys::EventLoop loop;
  EchoServer server(loop, Echo);
  server.closes_always = true;
  EchoOptions options = With(2, Ending::kNone, 0);
  ASSERT_TRUE(Resolve(server.address(), options.plan));
  options.connections = 4;
  options.duration = 300 * sys::kMillisecond;
  options.answer_within = 2 * sys::kSecond;
  const auto result = EchoRun(loop, options).Run();
  EXPECT_GT(result.after_one * 2, result.connections);
}

TEST(EchoRunTest, AServerThatIsNotThereIsSeen) {
  EchoOptions options;
  options.connections = 2;
  options.duration = 30 * sys::kMillisecond;
  {
    const auto gone = sys::Listen("127.0.0.1:0");
    ASSERT_TRUE(Resolve(sys::LocalAddress(gone.get()), options.plan));
  }
  sys::EventLoop loop;
  const auto result = EchoRun(loop, options).Run();
  EXPECT_EQ(result.counts.sent, 0u);
  EXPECT_GE(result.counts.connect_failed, 2u);
}

TEST(ResolveTest, SaysWhatIsNoAddress) {
  EchoPlan plan;
  EXPECT_FALSE(Resolve("nowhere", plan));
  EXPECT_FALSE(Resolve("127.0.0.1:99999", plan));
}

}  // namespace
}  // namespace hydrapool::harness
