#include "pool/admin/reply.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hydrapool::admin {
namespace {

constexpr std::string_view kLength =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunks =
    "HTTP/1.1 503 \r\ntransfer-encoding: Chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
constexpr std::string_view kInterim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204\r\n\r\n";

TEST(ReadReplyTest, ReadsWhatIsFramedByLength) {
  const auto page = ReadReply(kLength, false);
  ASSERT_TRUE(page && *page);
  EXPECT_EQ((*page)->status, 200);
  EXPECT_EQ((*page)->content_type, "text/plain; charset=utf-8");
  EXPECT_EQ((*page)->body, "hello");
}

TEST(ReadReplyTest, ReadsChunks) {
  const auto page = ReadReply(kChunks, false);
  ASSERT_TRUE(page && *page);
  EXPECT_EQ((*page)->status, 503);
  EXPECT_EQ((*page)->body, "hello");
}

TEST(ReadReplyTest, SkipsInterimResponses) {
  const auto page = ReadReply(kInterim, false);
  ASSERT_TRUE(page && *page);
  EXPECT_EQ((*page)->status, 204);
}

TEST(ReadReplyTest, WithoutFramingTheEndIsTheEnd) {
  constexpr std::string_view kBytes = "HTTP/1.0 200 OK\r\n\r\nall of it";
  EXPECT_FALSE(ReadReply(kBytes, false));
  EXPECT_EQ(ReadReply(kBytes, true)->value().body, "all of it");
}

TEST(ReadReplyTest, APrefixNeedsMoreAndIsAnErrorAtTheEnd) {
  for (const auto whole : {kLength, kChunks, kInterim}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(ReadReply(whole.substr(0, size), false)) << size;
      const auto page = ReadReply(whole.substr(0, size), true);
      ASSERT_TRUE(page) << size;
      EXPECT_FALSE(*page) << size;
    }
  }
}

TEST(ReadReplyTest, RefusesWhatIsNoResponse) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1 -20\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    const auto page = ReadReply(bytes, false);
    ASSERT_TRUE(page) << bytes;
    EXPECT_FALSE(*page) << bytes;
  }
}

}  // namespace
}  // namespace hydrapool::admin
