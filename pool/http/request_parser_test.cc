#include "pool/http/request_parser.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "pool/http/test_parser.h"

namespace hydrapool::http {
namespace {

class RequestParserTest : public testing::Test {
 protected:
  const Request& Parse(std::string_view bytes) {
    bytes_ = bytes;
    const Request* request = AsRequest(parser_.Parse(bytes_));
    if (request == nullptr) throw std::runtime_error("not parsed: " + bytes_);
    return *request;
  }

  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
  RequestParser parser_;
};

TEST_F(RequestParserTest, SplitsAHead) {
  const auto& request = Parse(
      "POST /a/b?x=1?y HTTP/1.1\r\nHost: example.com:8080\r\nX-A: \t one two \r\nx-a:3\r\nE:\r\n\r\nbody");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a/b?x=1?y");
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_TRUE(request.has_query);
  EXPECT_EQ(request.query, "x=1?y");
  EXPECT_EQ(request.minor_version, 1);
  EXPECT_EQ(request.host, "example.com:8080");
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(request.expect_continue);
  EXPECT_EQ(request.body, BodyKind::kNone);
  ASSERT_EQ(request.fields.size(), 4u);
  EXPECT_EQ(request.fields[1].name, "X-A");
  EXPECT_EQ(request.Find("x-A"), "one two");
  EXPECT_EQ(request.Find("e"), "");
  EXPECT_EQ(request.Find("absent"), std::nullopt);
  EXPECT_EQ(bytes().substr(request.head_size), "body");
}

TEST_F(RequestParserTest, PathWithoutQueryAndWithAnEmptyOne) {
  EXPECT_FALSE(Parse("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").has_query);
  const auto& request = Parse("GET /x? HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(request.has_query);
  EXPECT_EQ(request.query, "");
  EXPECT_EQ(request.path, "/x");
}

TEST_F(RequestParserTest, AbsoluteFormIsReducedAndItsHostWins) {
  const auto& request = Parse("GET HTTP://b.example:81/p?q HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_EQ(request.host, "b.example:81");
  EXPECT_EQ(request.target, "/p?q");
  EXPECT_EQ(request.path, "/p");
  EXPECT_EQ(request.query, "q");
  EXPECT_EQ(Parse("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n").target, "/");
  EXPECT_EQ(Parse("GET http://b?q=/ HTTP/1.1\r\nHost: a\r\n\r\n").target, "/?q=/");
  EXPECT_EQ(Parse("GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n").path, "/");
}

TEST_F(RequestParserTest, AsteriskIsForOptionsOnly) {
  EXPECT_EQ(Parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").path, "*");
  EXPECT_EQ(StatusOfTarget("*"), 400);
}

TEST_F(RequestParserTest, ALaterMinorVersionIsServedAs11) {
  for (const char digit : {'2', '9'}) {
    const auto& request = Parse(std::string("\r\nGET /a?b HTTP/1.") + digit + "\r\nHost: h:\r\nX: y\r\n\r\n");
    EXPECT_EQ(request.minor_version, 1);
    EXPECT_TRUE(request.keep_alive);
    EXPECT_EQ(request.target, "/a?b");
    EXPECT_EQ(request.host, "h:");
    EXPECT_EQ(request.Find("X"), "y");
  }
}

TEST(RawTargetTest, IsTakenByOption) {
  const std::string head = "GET /\xc3\xa9?\xff HTTP/1.1\r\nHost: h\r\n\r\n";
  RequestParser strict;
  const auto refused = strict.Parse(head);
  EXPECT_EQ(std::get<Refusal>(refused).status, 400);
  RequestParser lenient({.raw_targets = true});
  const auto parsed = lenient.Parse(head);
  ASSERT_TRUE(std::holds_alternative<const Request*>(parsed));
  EXPECT_EQ(std::get<const Request*>(parsed)->target, "/\xc3\xa9?\xff");
  const auto control = lenient.Parse("GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(std::get<Refusal>(control).status, 400);
}

TEST_F(RequestParserTest, KeepAliveByVersionAndConnection) {
  EXPECT_TRUE(Parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: TE\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: x\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(Parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n").keep_alive);
}

TEST_F(RequestParserTest, Bodies) {
  const auto& length = Parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0012\r\n\r\n");
  EXPECT_EQ(length.body, BodyKind::kLength);
  EXPECT_EQ(length.content_length, 12u);
  EXPECT_EQ(Parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").body, BodyKind::kLength);
  EXPECT_EQ(Parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n").content_length,
            9223372036854775807u);
  const auto& chunked = Parse("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n");
  EXPECT_EQ(chunked.body, BodyKind::kChunked);
  EXPECT_EQ(chunked.content_length, 0u);
}

TEST_F(RequestParserTest, ExpectContinueOnlyBeforeABodyOf11) {
  EXPECT_TRUE(Parse("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n")
                  .expect_continue);
  EXPECT_FALSE(Parse("PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n").expect_continue);
  EXPECT_FALSE(Parse("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n").expect_continue);
  EXPECT_EQ(StatusWith("Expect: 200-ok\r\n"), 417);
  EXPECT_EQ(StatusWith("Expect: 100-continue, x\r\n"), 417);
  EXPECT_EQ(StatusWith("Expect:\r\n"), 417);
}

TEST_F(RequestParserTest, EmptyLinesBeforeARequestAreCountedInItsHead) {
  const auto& request = Parse("\r\n\r\nGET / HTTP/1.0\r\n\r\nrest");
  EXPECT_EQ(request.head_size, 22u);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(StatusOf("\r\n\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("\n"), 400);
  EXPECT_EQ(StatusOf("\r"), 100);
}

const std::vector<std::string>& Samples() {
  static const std::vector<std::string> samples{
      "\r\nGET /a?b HTTP/1.1\r\nHost: [::1]:80\r\nX: 0123456789abcdef0123456789\tz\r\nConnection: "
      "close\r\n\r\nGET / HTTP",
      "POST http://h?q HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
      "OPTIONS * HTTP/1.0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nX: 1\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
      "GET / HTTP/3.0\r\nHost: h\r\n\r\n",
      "GET /" + std::string(9000, 'x'),
      "GET / HTTP/1.1\r\nX: " + std::string(17000, 'x') + "\r\n\r\n"};
  return samples;
}

TEST(RequestParserPropertyTest, EveryPrefixSaysNeedMoreOrWhatTheWholeSays) {
  RequestParser parser;
  for (const auto& sample : Samples()) {
    const int whole = StatusOf(sample);
    const Request* request = AsRequest(parser.Parse(sample));
    const std::size_t head_size = request != nullptr ? request->head_size : 0;
    bool decided = false;
    for (std::size_t size = 0; size <= sample.size(); ++size) {
      const auto parsed = parser.Parse(std::string_view(sample).substr(0, size));
      if (decided) {
        ASSERT_EQ(Status(parsed), whole) << sample << " at " << size;
      } else if (Status(parsed) != 100) {
        decided = true;
        ASSERT_EQ(Status(parsed), whole) << sample << " at " << size;
        if (head_size > 0) {
          EXPECT_EQ(size, head_size);
        }
      }
      if (const auto* again = AsRequest(parsed)) {
        EXPECT_EQ(again->head_size, head_size);
      }
    }
    EXPECT_TRUE(decided) << sample;
  }
}

TEST(RequestParserPropertyTest, OneByteChangedIsNeverReadBeyondTheInput) {
  RequestParser parser;
  const std::string& sample = Samples().front();
  for (std::size_t at = 0; at < sample.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = sample;
      changed[at] = static_cast<char>(byte);
      if (const auto* request = AsRequest(parser.Parse(changed))) {
        EXPECT_LE(request->head_size, changed.size());
      }
    }
  }
}

}  // namespace
}  // namespace hydrapool::http
