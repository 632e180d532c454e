// Requests that are refused, and the limits at which they are.
#include <gtest/gtest.h>

#include <string>

#include "pool/http/test_parser.h"

namespace hydrapool::http {
namespace {

using namespace std::string_literals;

TEST(RequestParserRefusalTest, RequestLine) {
  for (const char* line : {" GET / HTTP/1.1",
                           "GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET /",
                           "GET / ",
                           "GET",
                           "GET\t/ HTTP/1.1",
                           "G(T / HTTP/1.1",
                           "GET / http/1.1",
                           "GET / HTTP/1",
                           "GET / HTTP/1.",
                           "GET / HTTP/11",
                           "GET / HTTP/1.10",
                           "GET / HTTP/01.1",
                           "GET / HTTPS/1.1",
                           "GET / HTTP/a.1",
                           "GET /#f HTTP/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET /\xc3\xa4 HTTP/1.1",
                           "GET /\v HTTP/1.1",
                           "{} / HTTP/1.1",
                           ""}) {
    EXPECT_EQ(StatusOf(std::string(line) + "\r\nHost: h\r\n\r\n"), 400) << line;
  }
  for (const char* line : {"GET / HTTP/2.0", "GET / HTTP/0.9", "PRI * HTTP/2.0"}) {
    EXPECT_EQ(StatusOf(std::string(line) + "\r\nHost: h\r\n\r\n"), 505) << line;
  }
  EXPECT_EQ(StatusOf("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s), 400) << "a TLS client";
}

TEST(RequestParserRefusalTest, Targets) {
  for (const char* target : {"x", "x/y", "?q", "http:/x", "http://", "http:///x", "http://u@h/",
                             "http://h:x/", "ftp://h/", "h:80"}) {
    EXPECT_EQ(StatusOfTarget(target), 400) << target;
  }
  EXPECT_EQ(StatusOfTarget("h:80", "CONNECT"), 501);
  EXPECT_EQ(StatusOfTarget("//x"), 200) << "a path, not an authority";
  EXPECT_EQ(StatusOfTarget("/%zz\"<>\\^`{|}"), 200) << "what a path means is for the caller that decodes it";
}

TEST(RequestParserRefusalTest, LineEnds) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\nHost: h\n\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: h\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: h\r\n\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\rHost: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"), 400);
}

TEST(RequestParserRefusalTest, FieldLines) {
  for (const char* lines : {"X : y\r\n", " X: y\r\n", "X: y\r\n z\r\n", "X: y\r\n\tz\r\n", "X\r\n", ": y\r\n",
                            "X y: z\r\n", "X: a\x01z\r\n", "X: \x7f\r\n", "X: 12345678\v\r\n",
                            "X: 1234567\x1f\r\n", "X\xe4: y\r\n", "X\": y\r\n", "Connection: @\r\n"}) {
    EXPECT_EQ(StatusWith(lines), 400) << lines;
  }
  EXPECT_EQ(StatusWith("X: a\0b\r\n"s), 400);
  EXPECT_EQ(StatusWith("X: \xff\x80\xe4 with\ttabs and \"quotes\" (all) of them\r\nX:\r\n"), 200);
}

TEST(RequestParserRefusalTest, Hosts) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET http://h/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\n\r\n"), 200);
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\nHost: h\r\nHOST: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusWith("host: h\r\n"), 400);
}

TEST(RequestParserRefusalTest, Framing) {
  for (const char* lines :
       {"Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1, 1\r\n", "Content-Length: +1\r\n", "Content-Length: -1\r\n",
        "Content-Length: 0x1\r\n", "Content-Length: 1 1\r\n", "Content-Length:\r\n",
        "Content-Length: 9223372036854775808\r\n", "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"}) {
    EXPECT_EQ(StatusWith(lines), 400) << lines;
  }
  for (const char* coding :
       {"gzip", "gzip, chunked", "chunked, gzip", "identity", "chunked;q=1", "\"chunked\"", "xchunked"}) {
    EXPECT_EQ(StatusWith("Transfer-Encoding: " + std::string(coding) + "\r\n"), 501) << coding;
  }
  EXPECT_EQ(StatusOf("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestParserLimitTest, EachHoldsToTheByte) {
  EXPECT_EQ(StatusOf(std::string(32, 'M') + " / HTTP/1.0\r\n\r\n"), 200);
  EXPECT_EQ(StatusOf(std::string(33, 'M')), 501);

  const std::string line = "GET /12345 HTTP/1.0\r\n\r\n";
  EXPECT_EQ(StatusOf(line, {.max_target = 6}), 200);
  EXPECT_EQ(StatusOf(line, {.max_target = 5}), 414);
  EXPECT_EQ(StatusOf(line, {.max_head = line.size()}), 200);
  EXPECT_EQ(StatusOf(line + "more", {.max_head = line.size()}), 200);
  EXPECT_EQ(StatusOf(line, {.max_head = line.size() - 1}), 431);
  EXPECT_EQ(StatusOf(line.substr(0, 10), {.max_head = 11}), 100);
  EXPECT_EQ(StatusOf(line.substr(0, 11), {.max_head = 11}), 431);

  const std::string two = "GET / HTTP/1.0\r\nA: 1\r\nB: 2\r\n\r\n";
  EXPECT_EQ(StatusOf(two, {.max_fields = 2}), 200);
  EXPECT_EQ(StatusOf(two, {.max_fields = 1}), 431);
  EXPECT_EQ(StatusOf(two, {.max_fields = 0}), 431);
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\n\r\n", {.max_fields = 0}), 200);
}

}  // namespace
}  // namespace hydrapool::http
