#include "pool/http/response_head_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace hydrapool::http {
namespace {

/// Why the head, a status line of 200 and then `fields`, is malformed; empty: it is not.
std::string WrongOf(std::string_view fields, bool http2 = false,
                    std::string_view status_line = "HTTP/1.1 200 OK\r\n") {
  ResponseHeadReader head("X-Worker", http2);
  head.Begin();
  bool good = head.Take(status_line);
  while (good && !fields.empty()) {
    const auto end = fields.find('\n') + 1;
    good = head.Take(fields.substr(0, end));
    fields.remove_prefix(end);
  }
  EXPECT_EQ(good, head.wrong().empty());
  return std::string(head.wrong());
}

TEST(ResponseHeadReaderTest, WhatCouldBeReadInTwoWaysIsMalformed) {
  EXPECT_EQ(WrongOf("Content-Length: 1\r\nContent-Length: 2\r\n"), "two Content-Lengths that differ");
  EXPECT_EQ(WrongOf("Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), "");
  for (const auto* length : {"-1", "+1", "1, 1", "1x", "", "0x1", "99999999999999999999"})
    EXPECT_EQ(WrongOf("Content-Length: " + std::string(length) + "\r\n"),
              "a Content-Length that is no number");
  const std::string both = "both Content-Length and Transfer-Encoding";
  EXPECT_EQ(WrongOf("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), both);
  EXPECT_EQ(WrongOf("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), both);
  for (const auto* coding : {"gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", ""})
    EXPECT_EQ(WrongOf("Transfer-Encoding: " + std::string(coding) + "\r\n"),
              "a transfer coding other than chunked");
  for (const auto* line : {"A : b\r\n", " folded\r\n", "\tfolded\r\n", "no colon\r\n", ": no name\r\n"})
    EXPECT_EQ(WrongOf(line), "a line in the head that is no field") << line;
  EXPECT_EQ(WrongOf("A: b\rC: d\r\n"), "a control character in the head");
  EXPECT_EQ(WrongOf(std::string_view("A: b\0c\r\n", 9)), "a control character in the head");
}

TEST(ResponseHeadReaderTest, StatusLines) {
  const auto wrong = [](std::string_view line, bool http2 = false) { return WrongOf("", http2, line); };
  for (const auto* good :
       {"HTTP/1.1 200 OK\r\n", "HTTP/1.0 404\n", "HTTP/1.1 999 \r\n", "HTTP/1.1 103 Early\r\n"})
    EXPECT_EQ(wrong(good), "") << good;
  for (const auto* other :
       {"SSH-2.0-OpenSSH_9.2\r\n", "\r\n", "HTTP/2 200\r\n", "HTTP/1.1\r\n", "http/1.1 200 OK\r\n"})
    EXPECT_EQ(wrong(other), "the first line is not HTTP/1.1's") << other;
  for (const auto* code :
       {"HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 200OK\r\n", "HTTP/1.1 abc\r\n"})
    EXPECT_EQ(wrong(code), "the first line has no status of three digits") << code;
  EXPECT_EQ(wrong("HTTP/1.1 099 OK\r\n"), "a status below 100");
  EXPECT_EQ(wrong("HTTP/1.1 101 Switching Protocols\r\n"),
            "101 Switching Protocols, which was not asked for");
  EXPECT_EQ(wrong("HTTP/2 200 \r\n", true), "");
}

TEST(ResponseHeadReaderTest, TheLastHeadCounts) {
  ResponseHeadReader head("x-worker");
  head.Begin();
  for (const auto* line : {"HTTP/1.1 103 Early Hints\r\n", "Content-Length: 7\r\n", "\r\n"})
    EXPECT_TRUE(head.Take(line));
  EXPECT_FALSE(head.complete());
  EXPECT_EQ(head.status(), 0);
  for (const auto* line : {"HTTP/1.1 200 OK\r\n", "X-Worker:  3.7 \r\n", "Content-Length: 3\r\n", "\r\n"})
    EXPECT_TRUE(head.Take(line));
  EXPECT_TRUE(head.complete());
  EXPECT_EQ(head.length(), 3u);
  EXPECT_TRUE(head.Take("X-Worker: of the trailer\r\n"));
  EXPECT_EQ(head.kept(), "3.7");
  EXPECT_FALSE(head.Take("no field\r\n"));
}

TEST(ResponseHeadReaderTest, LinesAndHeadsAreBounded) {
  ResponseHeadReader head("");
  head.Begin();
  EXPECT_TRUE(head.Count(1000, ResponseHeadReader::kLongestLine - 1000));
  EXPECT_FALSE(head.Count(1, ResponseHeadReader::kLongestLine));
  head.Begin();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(head.Count(ResponseHeadReader::kLongestLine, 0));
  EXPECT_FALSE(head.Count(1, 0));
  EXPECT_EQ(head.wrong(), "a head of more than 256 KiB");
}

}  // namespace
}  // namespace hydrapool::http
