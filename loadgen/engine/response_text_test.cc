#include "loadgen/engine/response_text.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(ResponseTextTest, TakesHeadAndBodyApart) {
  const auto text = ParseResponse(
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 500 Sorry\r\nContent-Length: 5\r\n\r\nhello",
      false, 100);
  EXPECT_EQ(text.head, "HTTP/1.1 500 Sorry\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(text.body, "hello");
  EXPECT_TRUE(text.whole);
}

TEST(ResponseTextTest, ABodyIsWithoutItsChunksAndNotLongerThanAskedFor) {
  const char* chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
  EXPECT_EQ(ParseResponse(chunked, false, 100).body, "abcdefg");
  EXPECT_TRUE(ParseResponse(chunked, false, 7).whole);
  EXPECT_EQ(ParseResponse(chunked, false, 5).body, "abcde");
  EXPECT_FALSE(ParseResponse(chunked, false, 5).whole);
}

TEST(ResponseTextTest, WhatIsNotWholeSaysSo) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(ParseResponse(bytes.substr(0, n), false, 9).whole);
  EXPECT_EQ(ParseResponse(bytes.substr(0, 20), false, 9).head, bytes.substr(0, 20));
  EXPECT_TRUE(ParseResponse(bytes.substr(0, bytes.size() - 5), true, 9).whole) << "it answers HEAD";
  EXPECT_FALSE(ParseResponse("what is this\n\n", false, 9).whole);
  EXPECT_TRUE(ParseResponse("HTTP/1.0 200 OK\r\n\r\nuntil the end", false, 99).whole);
}

}  // namespace
}  // namespace hydrapool::loadgen
