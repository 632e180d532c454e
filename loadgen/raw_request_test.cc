#include "loadgen/raw_request.h"

#include <gtest/gtest.h>

namespace loadgen {
namespace {

std::string Bytes(const Plan& plan) { return RequestHead(plan, *ParseHttpUrl("http://h:8080/x?y")); }

TEST(RequestHeadTest, TheLeast) {
  EXPECT_EQ(Bytes({}), "GET /x?y HTTP/1.1\r\nHost: h:8080\r\nUser-Agent: loadgen\r\nAccept: */*\r\n\r\n");
}

TEST(RequestHeadTest, ABodyHasALength) {
  EXPECT_EQ(
      Bytes({.method = "POST", .body = "b=1", .headers = {"content-type: x", "User-Agent:", "Accept:"}}),
      "POST /x?y HTTP/1.1\r\nHost: h:8080\r\nContent-Length: 3\r\ncontent-type: x\r\n\r\n");
}

TEST(RequestHeadTest, HeadersReplaceRemoveAndMayBeEmpty) {
  EXPECT_EQ(Bytes({.headers = {"Host: other", "user-agent: ", "Accept;"}, .keep_alive = false}),
            "GET /x?y HTTP/1.1\r\nHost: other\r\nAccept:\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace loadgen
