#include "harness/echo/echo_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace hydrapool::harness {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(BodyOfTest, HoldsItsIdAsFarAsItsSizeLetsIt) {
  EXPECT_EQ(BodyOf(17, 0), "");
  EXPECT_EQ(BodyOf(17, 2), "17");
  EXPECT_EQ(BodyOf(17, 70'000).size(), 70'000u);
  EXPECT_EQ(IdOfBody(BodyOf(17, 70'000)), 17u);
  EXPECT_EQ(IdOfBody(BodyOf(17, 3)), 17u);
  EXPECT_EQ(IdOfBody(BodyOf(17, 2)), std::nullopt) << "17 or the beginning of 170";
  EXPECT_EQ(IdOfBody("hello\n"), std::nullopt);
  EXPECT_NE(BodyOf(17, 100), BodyOf(18, 100));
}

TEST(EchoRequestsTest, WithoutSizesItAsksWithGet) {
  EchoRequests requests({}, "h:1", "/");
  EXPECT_EQ(requests.Make(17, false).bytes, "GET /?17 HTTP/1.1\r\nHost: h:1\r\n\r\n");
  EXPECT_EQ(requests.Make(18, true).bytes, "GET /?18 HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(requests.Make(19, false).body_size);
}

TEST(EchoRequestsTest, Http10IsAskedToGoOnUntilTheLast) {
  EchoRequests requests({.http10 = true}, "h:1", "/");
  EXPECT_EQ(requests.Make(17, false).bytes,
            "GET /?17 HTTP/1.0\r\nHost: h:1\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(requests.Make(18, true).bytes, "GET /?18 HTTP/1.0\r\nHost: h:1\r\nConnection: close\r\n\r\n");
}

TEST(EchoRequestsTest, BodiesAreOfTheSizesAsked) {
  EchoRequests requests({.body_sizes = {0, 5, 20'000}}, "h:1", "/e");
  std::set<std::size_t> sizes;
  for (std::uint64_t id = 1; id <= 50; ++id) {
    const auto request = requests.Make(id, false);
    ASSERT_TRUE(request.body_size);
    sizes.insert(*request.body_size);
    EXPECT_THAT(request.bytes, StartsWith("POST /e?"));
    EXPECT_THAT(request.bytes, HasSubstr("Content-Length: " + std::to_string(*request.body_size) + "\r\n"));
    EXPECT_THAT(request.bytes, EndsWith("\r\n\r\n" + BodyOf(id, *request.body_size)));
  }
  EXPECT_EQ(sizes, (std::set<std::size_t>{0, 5, 20'000}));
}

TEST(EchoRequestsTest, ChunksAddUpToTheBody) {
  EchoRequests requests({.body_sizes = {20'000}, .chunked = 1}, "h:1", "/e");
  const std::string bytes = requests.Make(7, false).bytes;
  std::string_view rest = std::string_view(bytes).substr(bytes.find("\r\n\r\n") + 4);
  std::string body;
  for (;;) {
    const auto line = rest.find("\r\n");
    const auto size = std::stoul(std::string(rest.substr(0, line)), nullptr, 16);
    rest.remove_prefix(line + 2);
    body += rest.substr(0, size);
    ASSERT_EQ(rest.substr(size, 2), "\r\n");
    rest.remove_prefix(size + 2);
    if (size == 0) break;
  }
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(body, BodyOf(7, 20'000));
}

TEST(EchoRequestsTest, TheSameSeedMakesTheSame) {
  const EchoMix mix{.body_sizes = {1, 2, 3, 30'000}, .chunked = 0.5, .bytewise = 0.5, .reset_within = 100};
  EchoRequests one(mix, "h:1", "/e");
  EchoRequests two(mix, "h:1", "/e");
  for (std::uint64_t id = 1; id <= 50; ++id) {
    EXPECT_EQ(one.Make(id, false).bytes, two.Make(id, false).bytes);
    EXPECT_EQ(one.DrawBytewise(), two.DrawBytewise());
    const auto reset = one.DrawReset();
    EXPECT_EQ(reset, two.DrawReset());
    EXPECT_GE(reset, 1u);
    EXPECT_LE(reset, 100u);
  }
}

}  // namespace
}  // namespace hydrapool::harness
