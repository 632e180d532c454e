#include "loadgen/engine/raw/request.h"

#include <gtest/gtest.h>

#include <memory>

namespace hydrapool::loadgen {
namespace {

std::string Bytes(const Plan& plan, const char* url = "http://h:8080/x?y", std::uint64_t turn = 0) {
  std::string buffer;
  return std::string(RawRequest(plan, 0, *ParseHttpUrl(url)).Bytes(plan.seed, turn, buffer));
}

TEST(RawRequestTest, TheLeast) {
  EXPECT_EQ(Bytes({}), "GET /x?y HTTP/1.1\r\nHost: h:8080\r\nUser-Agent: loadgen\r\nAccept: */*\r\n\r\n");
}

TEST(RawRequestTest, ABodyHasALength) {
  EXPECT_EQ(
      Bytes({.method = "POST", .body = "b=1", .headers = {"content-type: x", "User-Agent:", "Accept:"}}),
      "POST /x?y HTTP/1.1\r\nHost: h:8080\r\ncontent-type: x\r\nContent-Length: 3\r\n\r\nb=1");
}

TEST(RawRequestTest, HeadersReplaceRemoveAndMayBeEmpty) {
  EXPECT_EQ(Bytes({.headers = {"Host: other", "user-agent: ", "Accept;"}, .keep_alive = false}),
            "GET /x?y HTTP/1.1\r\nHost: other\r\nAccept:\r\nConnection: close\r\n\r\n");
}

TEST(RawRequestTest, UrlHeadersAndBodyMayDifferFromRequestToRequest) {
  const Plan plan{.method = "PUT",
                  .body = "n={counter}&w={line:words}",
                  .headers = {"Accept:", "User-Agent:", "Content-Type:", "X-Id: {counter}"},
                  .lines = {{"words", std::make_shared<const Lines>(Lines{"one", "three"})}}};
  EXPECT_EQ(Bytes(plan, "http://h/{counter}", 9),
            "PUT /9 HTTP/1.1\r\nHost: h\r\nX-Id: 9\r\nContent-Length: 11\r\n\r\nn=9&w=three");
  EXPECT_EQ(Bytes(plan, "http://h/{counter}", 10),
            "PUT /10 HTTP/1.1\r\nHost: h\r\nX-Id: 10\r\nContent-Length: 10\r\n\r\nn=10&w=one");
}

TEST(RawRequestTest, EachUrlMayHaveARequestOfItsOwn) {
  const Plan plan{.parts = {{.method = "DELETE", .headers = {"Accept:", "User-Agent:"}}}};
  EXPECT_EQ(Bytes(plan, "http://h/"), "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n");
}

}  // namespace
}  // namespace hydrapool::loadgen
