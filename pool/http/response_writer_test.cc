#include "pool/http/response_writer.h"

#include <gtest/gtest.h>

namespace hydrapool::http {
namespace {

std::string Head(const ResponseHead& head) {
  std::string out;
  AppendHead(out, head);
  return out;
}

TEST(AppendHeadTest, WritesEveryFieldThatIsAskedFor) {
  EXPECT_EQ(Head({.status = 404,
                  .content_length = 0,
                  .content_type = "text/plain",
                  .date = "Sun, 06 Nov 1994 08:49:37 GMT",
                  .extra = "X-Worker: 1.2\r\nA: b\r\n"}),
            "HTTP/1.1 404 Not Found\r\nServer: hydrapool\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain\r\nContent-Length: 0\r\nX-Worker: 1.2\r\nA: b\r\n\r\n");
}

TEST(AppendHeadTest, WritesNothingElse) {
  EXPECT_EQ(Head({.status = 204}), "HTTP/1.1 204 No Content\r\nServer: hydrapool\r\n\r\n");
  EXPECT_EQ(Head({.chunked = true}),
            "HTTP/1.1 200 OK\r\nServer: hydrapool\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(AppendHeadTest, ConnectionOnlyWhereTheDefaultIsNotMeant) {
  const auto connection = [](bool keep_alive, int minor) {
    const std::string head = Head({.keep_alive = keep_alive, .minor_version = minor});
    const auto at = head.find("Connection: ");
    return at == head.npos ? "" : head.substr(at, head.find('\r', at) - at);
  };
  EXPECT_EQ(connection(true, 1), "");
  EXPECT_EQ(connection(false, 1), "Connection: close");
  EXPECT_EQ(connection(true, 0), "Connection: keep-alive");
  EXPECT_EQ(connection(false, 0), "");
}

TEST(AppendHeadTest, AppendsToWhatIsThere) {
  std::string out = "before";
  AppendHead(out, {});
  EXPECT_TRUE(out.starts_with("beforeHTTP/1.1 200 OK\r\n"));
}

TEST(ErrorResponseTest, SaysTheSameToHeadButForTheBody) {
  const std::string get = ErrorResponse(400, false, false, "no Host");
  const std::string head = ErrorResponse(400, false, true, "no Host");
  EXPECT_EQ(get, head + "400 Bad Request: no Host\n");
  EXPECT_NE(head.find("Content-Length: 25\r\n"), head.npos);
  EXPECT_NE(head.find("Connection: close\r\n"), head.npos);
  EXPECT_TRUE(ErrorResponse(503, true, false, "").ends_with("\r\n\r\n503 Service Unavailable\n"));
}

TEST(HttpDateTest, IsImfFixdate) {
  EXPECT_EQ(HttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(HttpDate(4102444800), "Fri, 01 Jan 2100 00:00:00 GMT");
}

TEST(ChunksTest, AreFramedInHex) {
  std::string out;
  AppendChunkHeader(out, 26);
  out.append("abcdefghijklmnopqrstuvwxyz").append(kChunkEnd).append(kLastChunk);
  EXPECT_EQ(out, "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n");
}

TEST(ReasonPhraseTest, KnowsWhatTheParserRefusesWith) {
  for (const int status : {400, 408, 411, 413, 414, 417, 431, 501, 502, 503, 505}) {
    EXPECT_NE(ReasonPhrase(status), "Unknown") << status;
  }
  EXPECT_EQ(ReasonPhrase(799), "Unknown");
}

}  // namespace
}  // namespace hydrapool::http
