#include <gtest/gtest.h>

#include "pool/testing/faults.h"
#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

TEST(CgiDeadlineTest, StandsHoweverOftenItsWorkerDies) {
  ServerProcess server({.flags = {"--cgi-timeout", "5"}});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/hang")));
  ASSERT_TRUE(server.AwaitTotal("cgi_started", 1));
  Injection storm(server, {.kind = "kill", .target = "busiest", .every = "100ms"});
  const auto answer = client.Receive();
  storm.End();
  EXPECT_EQ(answer.value_or(HttpAnswer{}).status, 504) << client.error();
  EXPECT_GE(storm.landed(), 3u);
  EXPECT_EQ(client.Rest(), "") << "more than one answer";
  EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); })) << "the program was not ended";
  EXPECT_EQ(server.Total("cgi_started"), 1u);
  ExpectNothingLost(server);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(CgiDeadlineTest, BeginsAnewWithEachPieceOfTheAnswerUnderTheSameDeaths) {
  ServerProcess server({.flags = {"--cgi-timeout", "5"}});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/slow?before=10&during=1000&lines=7")));
  Injection storm(server, {.kind = "kill", .target = "busiest", .every = "100ms"});
  const auto answer = client.Receive();
  storm.End();
  EXPECT_EQ(answer.value_or(HttpAnswer{}).body, "line 0\nline 1\nline 2\nline 3\nline 4\nline 5\nline 6\n")
      << client.error();
  ExpectNothingLost(server);
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
