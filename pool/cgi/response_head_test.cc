#include "pool/cgi/response_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace hydrapool::cgi {

bool operator==(const ResponseHead& a, const ResponseHead& b) {
  return a.kind == b.kind && a.chunked == b.chunked && a.status == b.status && a.reason == b.reason &&
         a.content_type == b.content_type && a.location == b.location &&
         a.content_length == b.content_length && a.head_size == b.head_size &&
         std::ranges::equal(a.fields, b.fields, [](const http::Field& x, const http::Field& y) {
           return x.name == y.name && x.value == y.value;
         });
}

namespace {

using testing::HasSubstr;

ResponseHead Parsed(std::string_view output) {
  const auto result = ParseResponseHead(output);
  if (const auto* malformed = std::get_if<Malformed>(&result))
    ADD_FAILURE() << output << "\n" << malformed->why;
  return std::get<ResponseHead>(result);
}

bool NeedsMore(std::string_view output) {
  return std::holds_alternative<http::NeedMore>(ParseResponseHead(output));
}

std::string WhyNot(std::string_view output, HeadReading reading = HeadReading::kLenient) {
  const auto result = ParseResponseHead(output, reading);
  const auto* const malformed = std::get_if<Malformed>(&result);
  return malformed != nullptr ? std::string(malformed->why) : "accepted";
}

TEST(ResponseHeadTest, ADocument) {
  const std::string output = "Content-Type: text/plain\nX-One:  1 \t\nX-Empty:\n\nbody";
  const auto head = Parsed(output);
  EXPECT_EQ(head.kind, ResponseKind::kDocument);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.content_type, "text/plain");
  EXPECT_EQ(head.content_length, std::nullopt);
  ASSERT_EQ(head.fields.size(), 2u);
  EXPECT_EQ(head.fields[0].name, "X-One");
  EXPECT_EQ(head.fields[0].value, "1");
  EXPECT_EQ(head.fields[1].value, "");
  EXPECT_EQ(output.substr(head.head_size), "body");
}

TEST(ResponseHeadTest, LinesEndEitherWayEvenMixed) {
  const auto head = Parsed("Content-type:text/html\r\nX: y\n\r\n\n");
  EXPECT_EQ(head.content_type, "text/html");
  EXPECT_EQ(head.head_size, 31u);
}

TEST(ResponseHeadTest, StatusAndReason) {
  const auto head = Parsed("Status: 404 Not Found here\n\n");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not Found here");
  EXPECT_EQ(Parsed("status:204\n\n").status, 204);
  EXPECT_EQ(Parsed("Status: 599\n\n").reason, "");
}

TEST(ResponseHeadTest, AStatusLineOfHttpIsAStatus) {
  const auto head = Parsed("HTTP/1.1 404 Not There\r\nContent-Type: a/b\r\n\r\nbody");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not There");
  EXPECT_EQ(head.content_type, "a/b");
  EXPECT_EQ(Parsed("HTTP/1.0 200\n\n").status, 200);
  EXPECT_EQ(Parsed("HTTP/1.1 302 Found\nLocation: /x\n\n").kind, ResponseKind::kClientRedirect);
  EXPECT_THAT(WhyNot("HTTP/1.1 100 Continue\n"), HasSubstr("outside 200"));
  EXPECT_THAT(WhyNot("HTTP/1.1 2000\n"), HasSubstr("three digits"));
  EXPECT_THAT(WhyNot("HTTP/1.1 200 OK\nStatus: 200\n"), HasSubstr("repeated"));
  EXPECT_THAT(WhyNot("HTTP/1.1 200 \x1b[2J\n"), HasSubstr("control"));
  for (const auto* none : {"HTTP/1.1\n", "HTTP/1.1 OK\n", "http/1.1 200 OK\n", "A: b\nHTTP/1.1 200 OK\n"})
    EXPECT_THAT(WhyNot(none), HasSubstr("no header field")) << none;
}

TEST(ResponseHeadTest, AStatusThatIsNoneIsRefused) {
  for (const auto* status :
       {"", "20", "2000", "200OK", "abc", "100 Continue", "101", "199", "600", "-20", " ", "200\tOK"}) {
    EXPECT_THAT(WhyNot("Status: " + std::string(status) + "\n\n"), HasSubstr("Status")) << status;
  }
}

TEST(ResponseHeadTest, TheKindOfARedirect) {
  const auto kind = [](std::string_view output) { return Parsed(output).kind; };
  EXPECT_EQ(kind("Location: /other?x\n\n"), ResponseKind::kLocalRedirect);
  EXPECT_EQ(kind("Set-Cookie: a=b\nLocation: /other\n\n"), ResponseKind::kClientRedirect);
  EXPECT_EQ(kind("Cache-Control: no-cache\nLocation: /other\n\n"), ResponseKind::kLocalRedirect);
  EXPECT_EQ(kind("Location: http://example.org/\n\n"), ResponseKind::kClientRedirect);
  EXPECT_EQ(kind("Location: /other#part\n\n"), ResponseKind::kClientRedirect);
  EXPECT_EQ(kind("Location: /other part\n\n"), ResponseKind::kClientRedirect);
  EXPECT_EQ(kind("Location: //example.org/\n\n"), ResponseKind::kClientRedirect);
  EXPECT_EQ(kind("Location: /\\example.org/\n\n"), ResponseKind::kClientRedirect);
  EXPECT_EQ(kind("Location: /other?a\\b\n\n"), ResponseKind::kLocalRedirect);
  EXPECT_EQ(kind("Status: 303\nLocation: /other\n\n"), ResponseKind::kClientRedirect);
  EXPECT_EQ(kind("Location: http://x/\nContent-Type: a/b\n\n"), ResponseKind::kClientRedirectDocument);
  EXPECT_EQ(kind("Location: http://x/\nStatus: 301\nContent-Type: a/b\n\n"),
            ResponseKind::kClientRedirectDocument);
  EXPECT_EQ(kind("Status: 201 Created\nLocation: /new\nContent-Type: a/b\n\n"), ResponseKind::kDocument);
}

TEST(ResponseHeadTest, ARedirectWithoutAStatusIs302) {
  EXPECT_EQ(Parsed("Location: http://x/\n\n").status, 302);
  EXPECT_EQ(Parsed("Location: http://x/\nStatus: 307\n\n").status, 307);
  EXPECT_EQ(Parsed("Location: http://x/\nStatus: 307\n\n").location, "http://x/");
}

TEST(ResponseHeadTest, FramingIsTheServersMatter) {
  const auto head = Parsed(
      "Content-Type: a/b\nContent-Length: 18446744073709551615\ncontent-length: 18446744073709551615\n"
      "Connection: close\nKeep-Alive: 1\nProxy-Connection: x\nTE: x\nTrailer: x\nTransfer-Encoding: "
      "chunked\nUpgrade: h2c\n"
      "ETag: x\n\n");
  EXPECT_EQ(head.content_length, 18446744073709551615u);
  ASSERT_EQ(head.fields.size(), 1u);
  EXPECT_EQ(head.fields[0].name, "ETag");
}

TEST(ResponseHeadTest, AContentLengthThatIsNoneIsRefused) {
  for (const auto* length : {"", "-1", "+1", "1 2", "1,1", "0x10", "18446744073709551616", "12a"}) {
    EXPECT_THAT(WhyNot("Content-Type: a/b\nContent-Length: " + std::string(length) + "\n\n"),
                HasSubstr("no number"));
  }
  EXPECT_THAT(WhyNot("Content-Length: 1\nContent-Length: 2\n"), HasSubstr("different"));
}

TEST(ResponseHeadTest, CgiFieldsComeOnceAndNotEmpty) {
  EXPECT_THAT(WhyNot("Content-Type: a/b\nContent-Type: a/b\n"), HasSubstr("Content-Type"));
  EXPECT_THAT(WhyNot("Content-Type: \n", HeadReading::kStrict), HasSubstr("Content-Type"));
  EXPECT_THAT(WhyNot("Location: /a\nlocation: /b\n"), HasSubstr("Location"));
  EXPECT_THAT(WhyNot("Location:\n"), HasSubstr("Location"));
  EXPECT_THAT(WhyNot("Status: 200\nStatus: 200\n"), HasSubstr("repeated Status"));
}

TEST(ResponseHeadTest, WithoutACgiFieldItIsADocumentsOrStrictlyNone) {
  for (const auto* output : {"\n", "\r\n\r\n", "X-Other: 1\n\n", "Content-Length: 5\n\nhello"}) {
    EXPECT_EQ(Parsed(output).kind, ResponseKind::kDocument) << output;
    EXPECT_EQ(Parsed(output).status, 200) << output;
    EXPECT_EQ(Parsed(output).content_type, "") << output;
    EXPECT_THAT(WhyNot(output, HeadReading::kStrict), HasSubstr("neither")) << output;
  }
  EXPECT_EQ(Parsed("Content-Type:\n\n").content_type, "");
}

TEST(ResponseHeadTest, OfTransferCodingsOnlyChunksAreKnown) {
  EXPECT_TRUE(Parsed("Transfer-Encoding: Chunked\n\n").chunked);
  EXPECT_FALSE(Parsed("Transfer-Encoding: identity\n\n").chunked);
  EXPECT_FALSE(Parsed("Content-Type: a/b\n\n").chunked);
  for (const auto* coding : {"gzip", "gzip, chunked", "chunked, chunked", "chunked;q=1"})
    EXPECT_THAT(WhyNot("Transfer-Encoding: " + std::string(coding) + "\n"), HasSubstr("other than"))
        << coding;
  EXPECT_THAT(WhyNot("Transfer-Encoding: chunked\ntransfer-encoding: chunked\n"), HasSubstr("repeated"));
}

TEST(ResponseHeadTest, WhatIsNoHeadIsSeenAtTheEndOfItsLine) {
  EXPECT_TRUE(NeedsMore("hello, I have no head"));
  EXPECT_THAT(WhyNot("hello, I have no head\n"), HasSubstr("no header field"));
  EXPECT_THAT(WhyNot("HTTP/1.1 200 OK\r\n", HeadReading::kStrict), HasSubstr("no header field"));
  EXPECT_THAT(WhyNot("<a href='x:y'>\n"), HasSubstr("name"));
  EXPECT_THAT(WhyNot(": x\n"), HasSubstr("no header field"));
}

TEST(ResponseHeadTest, NothingCanSplitAResponse) {
  const std::string type = "Content-Type: a/b\n";
  EXPECT_THAT(WhyNot(type + "X: a\rSet-Cookie: b\n\n"), HasSubstr("control"));
  EXPECT_THAT(WhyNot(type + "X: a\r\r\n\n"), HasSubstr("control"));
  EXPECT_THAT(WhyNot(type + std::string("X: a\0b\n", 7)), HasSubstr("control"));
  EXPECT_THAT(WhyNot(type + "X: \x1b[2J\n"), HasSubstr("control"));
  EXPECT_THAT(WhyNot(type + "X: \x7f\n"), HasSubstr("control"));
  EXPECT_THAT(WhyNot(type + " folded: x\n"), HasSubstr("name"));
  EXPECT_THAT(WhyNot(type + "X : y\n"), HasSubstr("name"));
  EXPECT_EQ(Parsed(type + "X: tab\tand \xC3\xBC\n\n").fields[0].value, "tab\tand \xC3\xBC");
}

TEST(ResponseHeadTest, AHeadWithoutAnEndIsNotWaitedFor) {
  const std::string start = "Content-Type: a/b\n";
  EXPECT_TRUE(NeedsMore(start + std::string(kMaxResponseHead - start.size() - 1, 'x')));
  EXPECT_THAT(WhyNot(start + std::string(kMaxResponseHead - start.size(), 'x')), HasSubstr("64 KiB"));
  EXPECT_THAT(WhyNot(start + std::string(kMaxResponseHead, 'x') + ":\n\n"), HasSubstr("64 KiB"));
  const std::string fits = start + "X:" + std::string(kMaxResponseHead - start.size() - 4, 'x') + "\n\n";
  EXPECT_EQ(Parsed(fits).head_size, kMaxResponseHead);
}

TEST(ResponseHeadTest, FedByteByByteItEndsAsFedWhole) {
  for (const std::string output :
       {"Content-Type: text/plain\r\nX: 1\r\n\r\nbody: x\n\n", "Status: 404\n\n", "Location: /x\nY: z\n\n",
        "no head\n\n", "Status: 99\nmore\n\n", "A: b\n\nbody", "Content-Type: a\rb\n\n"}) {
    const auto whole = ParseResponseHead(output);
    std::size_t taken = 0;
    while (NeedsMore(output.substr(0, taken))) ++taken;
    const std::string_view start = std::string_view(output).substr(0, taken);
    const auto part = ParseResponseHead(start);
    ASSERT_EQ(part.index(), whole.index()) << output;
    if (const auto* head = std::get_if<ResponseHead>(&part)) {
      EXPECT_EQ(*head, std::get<ResponseHead>(whole)) << output;
      EXPECT_EQ(head->head_size, taken);
    }
  }
}

TEST(RawStatusTest, IsThatOfTheStatusLine) {
  EXPECT_EQ(std::get<int>(ParseRawStatus("HTTP/1.1 202 Custom Words\r\n")), 202);
  EXPECT_EQ(std::get<int>(ParseRawStatus("HTTP/1.0 404")), 404);
  EXPECT_TRUE(std::holds_alternative<http::NeedMore>(ParseRawStatus("")));
  EXPECT_TRUE(std::holds_alternative<http::NeedMore>(ParseRawStatus("HTTP/1.0 40")));
  for (const auto* output : {"Status: 200\n", "HTTP/1.1  200", "HTTP/1.1 2x0", "http/1.1 200", "\n"})
    EXPECT_TRUE(std::holds_alternative<Malformed>(ParseRawStatus(output))) << output;
}

}  // namespace
}  // namespace hydrapool::cgi
