#include "pool/http/response_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace hydrapool::http {
namespace {

enum class End { kDone, kUnfinished, kMalformed };

struct Seen {
  End end = End::kUnfinished;
  std::size_t used = 0;
  int status = 0;
  std::uint64_t head = 0;
  std::uint64_t body = 0;
  bool keep_alive = false;
  std::string worker = {};

  bool operator==(const Seen&) const = default;
};

Seen Read(std::string_view bytes, std::size_t piece, bool to_head = false, bool close = false) {
  ResponseReader parser("X-Worker");
  parser.Begin(to_head);
  Seen seen;
  while (seen.used < bytes.size() && !parser.done() && !parser.malformed()) {
    seen.used += parser.Feed(bytes.substr(seen.used, piece));
  }
  if (close) parser.Close();
  seen.end = parser.done() ? End::kDone : parser.malformed() ? End::kMalformed : End::kUnfinished;
  if (seen.end == End::kMalformed) return {.end = End::kMalformed};
  seen.status = parser.status();
  seen.head = parser.head_bytes();
  seen.body = parser.body_bytes();
  seen.keep_alive = parser.keep_alive();
  seen.worker = parser.kept();
  return seen;
}

/// Whole and in pieces of every size it must be the same.
Seen ReadAll(std::string_view bytes, bool to_head = false, bool close = false) {
  const auto whole = Read(bytes, bytes.size(), to_head, close);
  for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
    EXPECT_EQ(Read(bytes, piece, to_head, close), whole) << bytes << "\nin pieces of " << piece;
  }
  return whole;
}

TEST(ResponseReaderTest, ALengthEndsTheResponseAndNothingBehindItIsTaken) {
  const std::string head = "HTTP/1.1 200 OK\r\nX-Worker: 3.7\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(ReadAll(head + "ok\nHTTP/1.1"), (Seen{.end = End::kDone,
                                                  .used = head.size() + 3,
                                                  .status = 200,
                                                  .head = head.size(),
                                                  .body = 3,
                                                  .keep_alive = true,
                                                  .worker = "3.7"}));
  EXPECT_EQ(ReadAll(head + "ok").end, End::kUnfinished);
  EXPECT_EQ(ReadAll(head + "ok", false, true).end, End::kUnfinished) << "truncated";
}

TEST(ResponseReaderTest, ChunksExtensionsAndTrailers) {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: "
      "1\r\n\r\n";
  const auto seen = ReadAll(bytes + "more");
  EXPECT_EQ(seen.end, End::kDone);
  EXPECT_EQ(seen.used, bytes.size());
  EXPECT_EQ(seen.body, 13u);
  EXPECT_TRUE(seen.keep_alive);
  EXPECT_EQ(ReadAll(bytes.substr(0, bytes.size() - 2), false, true).end, End::kUnfinished);
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(ReadAll(head + "3\r\nabcd\r\n").end, End::kMalformed) << "longer than its size";
  EXPECT_EQ(ReadAll(head + "0\r\nno field\r\n").end, End::kMalformed) << "in the trailer";
  EXPECT_EQ(ReadAll(head + "g\r\n").end, End::kMalformed);
  EXPECT_EQ(ReadAll(head + "\r\n").end, End::kMalformed);
  EXPECT_EQ(ReadAll(head + "ffffffffffffffffff\r\n").end, End::kMalformed);
}

TEST(ResponseReaderTest, WithoutLengthTheCloseEndsTheBody) {
  const std::string bytes = "HTTP/1.1 200 OK\r\n\r\nsome";
  EXPECT_EQ(ReadAll(bytes).end, End::kUnfinished);
  const auto seen = ReadAll(bytes, false, true);
  EXPECT_EQ(seen.end, End::kDone);
  EXPECT_EQ(seen.body, 4u);
  EXPECT_FALSE(seen.keep_alive);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nX-W", false, true).end, End::kUnfinished);
}

TEST(ResponseReaderTest, SomeResponsesHaveNoBodyWhateverTheySay) {
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true).end, End::kDone);
  EXPECT_EQ(ReadAll("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").end, End::kDone);
  EXPECT_EQ(ReadAll("HTTP/1.1 204\r\n\r\n").end, End::kDone);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").end, End::kDone);
}

TEST(ResponseReaderTest, InterimResponsesAreSkipped) {
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  const auto seen = ReadAll(interim + "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(seen.end, End::kDone);
  EXPECT_EQ(seen.status, 404);
  EXPECT_EQ(ReadAll(interim).status, 0);
  EXPECT_EQ(ReadAll("HTTP/1.1 101 Switching Protocols\r\n\r\n").end, End::kMalformed);
}

TEST(ResponseReaderTest, KeepAlive) {
  const auto keeps = [](const std::string& version, const std::string& header) {
    return ReadAll("HTTP/" + version + " 200 OK\r\nContent-Length: 0\r\n" + header + "\r\n").keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x, Close\r\n"));
}

TEST(ResponseReaderTest, AMalformedHeadIsTheEnd) {
  EXPECT_EQ(ReadAll("SSH-2.0-OpenSSH_9.2\r\n").end, End::kMalformed);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n").end, End::kMalformed);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 1\n\nx").end, End::kDone);
}

TEST(ResponseReaderTest, LinesAndHeadsAreBounded) {
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'x'), 4096).end, End::kMalformed);
  std::string many = "HTTP/1.1 200 OK\r\n";
  while (many.size() < 300'000) many += "A: " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(Read(many, 4096).end, End::kMalformed);
}

TEST(ResponseReaderTest, AChunkThatGoesOnIsMalformedAtItsFirstByte) {
  ResponseReader reader("");
  reader.Begin(false);
  reader.Feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r");
  EXPECT_FALSE(reader.malformed());
  reader.Begin(false);
  reader.Feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab");
  EXPECT_TRUE(reader.malformed());
}

TEST(ResponseReaderTest, TellsABodyWithoutFraming) {
  ResponseReader reader("");
  reader.Begin(false);
  reader.Feed("HTTP/1.1 200 OK\r\n\r\nabc");
  EXPECT_TRUE(reader.until_close());
  reader.Close();
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.until_close());
}

}  // namespace
}  // namespace hydrapool::http
