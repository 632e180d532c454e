#include "loadgen/engine/raw/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace hydrapool::loadgen {
namespace {

using ::testing::EndsWith;

std::string Bytes(Target target, const char* url = "http://h:8080/x?y", std::uint64_t turn = 0,
                  LineFiles lines = {}, bool keep_alive = true) {
  const Plan plan{
      .targets = {std::move(target)}, .lines = std::move(lines), .wire = {.keep_alive = keep_alive}};
  std::string buffer;
  const RawRequest request(plan, plan.targets[0], *ParseHttpUrl(url));
  const auto bytes = request.Bytes(plan.seed, turn, buffer);
  return std::string(bytes.first) + std::string(bytes.rest);
}

TEST(RawRequestTest, TheLeast) {
  EXPECT_EQ(Bytes({}), "GET /x?y HTTP/1.1\r\nHost: h:8080\r\nUser-Agent: loadgen\r\nAccept: */*\r\n\r\n");
}

TEST(RawRequestTest, ABodyHasALength) {
  EXPECT_EQ(
      Bytes({.method = "POST", .headers = {"content-type: x", "User-Agent:", "Accept:"}, .body = "b=1"}),
      "POST /x?y HTTP/1.1\r\nHost: h:8080\r\ncontent-type: x\r\nContent-Length: 3\r\n\r\nb=1");
}

TEST(RawRequestTest, HeadersReplaceRemoveAndMayBeEmpty) {
  EXPECT_EQ(Bytes({.headers = {"Host: other", "user-agent: ", "Accept;"}}, "http://h:8080/x?y", 0, {}, false),
            "GET /x?y HTTP/1.1\r\nHost: other\r\nAccept:\r\nConnection: close\r\n\r\n");
}

TEST(RawRequestTest, UrlHeadersAndBodyMayDifferFromRequestToRequest) {
  const Target target{.method = "PUT",
                      .headers = {"Accept:", "User-Agent:", "Content-Type:", "X-Id: {counter}"},
                      .body = "n={counter}&w={line:words}"};
  const LineFiles lines{{"words", std::make_shared<const Lines>(Lines{"one", "three"})}};
  EXPECT_EQ(Bytes(target, "http://h/{counter}", 9, lines),
            "PUT /9 HTTP/1.1\r\nHost: h\r\nX-Id: 9\r\nContent-Length: 11\r\n\r\nn=9&w=three");
  EXPECT_EQ(Bytes(target, "http://h/{counter}", 10, lines),
            "PUT /10 HTTP/1.1\r\nHost: h\r\nX-Id: 10\r\nContent-Length: 10\r\n\r\nn=10&w=one");
}

TEST(RawRequestTest, ABodyThatIsToStayAsItIsStaysSo) {
  EXPECT_THAT(Bytes({.method = "PUT", .body = Body::AsItIs("{counter}")}), EndsWith("\r\n\r\n{counter}"));
}

TEST(RawRequestTest, ALargeBodyIsNotCopied) {
  const Plan plan{
      .targets = {{.method = "PUT", .headers = {"X-Id: {counter}"}, .body = std::string(1'000'000, 'x')},
                  {.method = "PUT", .body = std::string(1'000'000, 'x')}}};
  for (const auto& target : plan.targets) {
    std::string buffer;
    const RawRequest request(plan, target, *ParseHttpUrl("http://h/"));
    const auto bytes = request.Bytes(plan.seed, 0, buffer);
    EXPECT_EQ(bytes.rest.data(), target.body.text().data());
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
