#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "pool/testing/clients.h"
#include "pool/testing/faults.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

Question Record(const std::string& id, int milliseconds, bool post, bool close = false) {
  const std::string target = fmt::format("/cgi-bin/record?id={}&ms={}", id, milliseconds);
  const std::string fields = close ? "Connection: close\r\n" : "";
  return {post ? Post(target, "some body of " + id, fields) : Get(target, fields), id + "\n", close};
}

bool Even(const std::string& id) { return (id.back() - '0') % 2 == 0; }

/// Every request got its own answer, and was executed once.
void ExpectOnceEach(const CrowdResult& result, const ServerProcess& server) {
  EXPECT_TRUE(result.problems.empty()) << FirstOf(result.problems);
  const auto executions = Executions(server.record());
  std::vector<std::string> wrong;
  for (const auto& [id, count] : executions) {
    if (count != 1) wrong.push_back(fmt::format("{}: executed {} times", id, count));
  }
  for (const std::string& id : result.answered) {
    if (!executions.contains(id)) wrong.push_back(id + ": answered and never executed");
  }
  EXPECT_TRUE(wrong.empty()) << FirstOf(wrong);
  EXPECT_EQ(executions.size(), result.answered.size() + result.problems.size());
}

TEST(CgiUnderKillsTest, EachRequestIsAnsweredAndExecutedOnce) {
  ServerProcess server({.workers = 4});
  Injection injection(server, {.every = "50ms"});
  CrowdResult long_ones;
  std::thread beside([&] {
    long_ones = AskInCrowd(server.address(), 12, 8 * sys::kSecond,
                           [](const std::string& id) { return Record("long-" + id, 500, Even(id)); });
  });
  CrowdResult result = AskInCrowd(server.address(), 24, 8 * sys::kSecond, [](const std::string& id) {
    return Record(id, 50, Even(id), id.back() == '7');
  });
  beside.join();
  for (const std::string& id : long_ones.answered) result.answered.push_back("long-" + id);
  result.problems.insert(result.problems.end(), long_ones.problems.begin(), long_ones.problems.end());
  injection.End();
  EXPECT_GE(injection.landed(), 50);
  fmt::print("{} answered\n", result.answered.size());
  EXPECT_GT(result.answered.size(), 200);
  EXPECT_TRUE(server.AwaitQuiet());
  ExpectOnceEach(result, server);
  ExpectNothingLost(server);
  EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); }));
  EXPECT_TRUE(server.Stop().clean());
}

Question FloodOrEcho(const std::string& id) {
  static const std::string flood = FloodBody(1'000'000);
  static const std::string upload = FloodBody(300'000);
  switch (id.back() % 4) {
    case 0:
      return {Get("/cgi-bin/flood?bytes=1000000&id=" + id), flood};
    case 1:
      return {Get("/cgi-bin/flood?bytes=1000000&length=1&id=" + id), flood};
    case 2:
      return {Post("/cgi-bin/echo?" + id, upload), upload};
    default:
      return {Get("/cgi-bin/flood?bytes=70000&id=" + id), flood.substr(0, 70'000)};
  }
}

class StreamTest : public ::testing::TestWithParam<std::tuple<std::string, std::string, std::string>> {};

TEST_P(StreamTest, ArrivesByteByByte) {
  const auto& [fault, target, every] = GetParam();
  ServerProcess server({.workers = 4});
  Injection injection(server, {.kind = fault, .target = target, .every = every});
  const CrowdResult result = AskInCrowd(server.address(), 8, 8 * sys::kSecond, FloodOrEcho);
  injection.End();
  EXPECT_GE(injection.landed(), 20);
  fmt::print("{} answered\n", result.answered.size());
  EXPECT_TRUE(result.problems.empty()) << FirstOf(result.problems);
  EXPECT_GT(result.answered.size(), 50);
  EXPECT_TRUE(server.AwaitQuiet());
  ExpectNothingLost(server);
  EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); }));
  EXPECT_TRUE(server.Stop().clean());
}

INSTANTIATE_TEST_SUITE_P(Kill, StreamTest,
                         ::testing::Values(std::tuple("kill", "random", "20ms"),
                                           std::tuple("kill", "all", "200ms"),
                                           std::tuple("term", "random", "50ms")),
                         [](const auto& test) {
                           return std::get<0>(test.param) + "_" + std::get<1>(test.param);
                         });

TEST(CgiUnderTermsTest, EachPostIsAnsweredAndExecutedOnce) {
  ServerProcess server({.workers = 4});
  Injection injection(server, {.kind = "term", .every = "50ms"});
  const CrowdResult result = AskInCrowd(server.address(), 24, 8 * sys::kSecond,
                                        [](const std::string& id) { return Record(id, 50, true); });
  injection.End();
  fmt::print("{} answered\n", result.answered.size());
  EXPECT_GE(injection.landed(), 50);
  EXPECT_TRUE(server.AwaitQuiet());
  ExpectOnceEach(result, server);
  ExpectNothingLost(server);
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
