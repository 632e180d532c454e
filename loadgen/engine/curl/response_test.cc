#include "loadgen/engine/curl/response.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace hydrapool::loadgen {
namespace {

bool TakeAll(CurlResponse& response, std::initializer_list<std::string_view> lines) {
  bool good = true;
  for (const auto line : lines) good = response.TakeLine(line) && good;
  return good;
}

TEST(CurlResponseTest, HowItBeganIsKeptWhereItsStatusIsNotExpected) {
  const Plan plan;
  CurlResponse response(plan);
  response.Begin();
  EXPECT_TRUE(TakeAll(response, {"HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 503 Busy\r\n", "A: b\r\n"}));
  EXPECT_FALSE(response.head_whole());
  EXPECT_TRUE(TakeAll(response, {"\r\n"}));
  EXPECT_TRUE(response.head_whole());
  EXPECT_EQ(response.status(), 503);
  response.TakeBody(std::string(kMostOfBody - 1, 'x'));
  response.TakeBody("yz");
  EXPECT_EQ(response.first().head, "HTTP/1.1 503 Busy\r\nA: b\r\n\r\n");
  EXPECT_EQ(response.first().body, std::string(kMostOfBody - 1, 'x') + "y");
}

TEST(CurlResponseTest, NothingIsKeptOfAnExpectedOne) {
  const Plan plan;
  CurlResponse response(plan);
  response.Begin();
  EXPECT_TRUE(TakeAll(response, {"HTTP/1.1 200 OK\r\n", "\r\n"}));
  response.TakeBody("good");
  EXPECT_EQ(response.first(), FirstResponse{});
}

TEST(CurlResponseTest, OneThatLedToAnotherIsForgotten) {
  const Plan plan{.expect = {.status = {200}}};
  CurlResponse response(plan);
  response.Begin();
  EXPECT_TRUE(TakeAll(response, {"HTTP/1.1 302 Found\r\n", "\r\n"}));
  response.TakeBody("elsewhere");
  response.Begin();
  EXPECT_FALSE(response.head_whole());
  EXPECT_EQ(response.status(), 0);
  EXPECT_EQ(response.first(), FirstResponse{});
}

TEST(CurlResponseTest, AMalformedHeadSaysWhy) {
  const Plan plan;
  CurlResponse response(plan);
  response.Begin();
  EXPECT_FALSE(TakeAll(response, {"HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n", "Content-Length: 4\r\n"}));
  EXPECT_FALSE(response.wrong().empty());
  response.Begin();
  EXPECT_TRUE(response.wrong().empty());
}

TEST(CurlResponseTest, TheCheckIsOfTheLastBodyAndCountsIt) {
  const Plan plan{.expect = {.end = "</html>"}};
  CurlResponse response(plan);
  for (const auto& [body, passes] : {std::pair("<html></html>", true), std::pair("<html>", false)}) {
    response.Begin();
    EXPECT_TRUE(TakeAll(response, {"HTTP/1.1 200 OK\r\n", "\r\n"}));
    response.TakeBody(body);
    EXPECT_EQ(response.BodyBytes(1), std::string_view(body).size());
    EXPECT_EQ(response.BodyPassed(), passes);
  }
  const Plan lenient;
  EXPECT_EQ(CurlResponse(lenient).BodyBytes(1), 1u) << "nothing is looked at: it is as libcurl says";
}

}  // namespace
}  // namespace hydrapool::loadgen
