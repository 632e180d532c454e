#include "loadgen/report/transcript.h"

#include <gtest/gtest.h>

#include <string>

namespace hydrapool::loadgen {
namespace {

TEST(TranscriptTest, ShowsBothSides) {
  Transcript transcript;
  transcript.Sent("POST /a HTTP/1.1\r\nHost: h\r\nAuthorization: Basic c2VjcmV0\r\n\r\n");
  transcript.Sent("a=b");
  transcript.Received("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSet-");
  transcript.Received("Cookie: a\r\n\r\nhello\tyou\n");
  EXPECT_EQ(transcript.Text(),
            "> POST /a HTTP/1.1\n> Host: h\n> Authorization: ***\n>\na=b\n"
            "< HTTP/1.1 100 Continue\n<\n< HTTP/1.1 200 OK\n< Set-Cookie: a\n<\nhello\tyou\n");
}

TEST(TranscriptTest, ShowsOneExchangeAfterTheOther) {
  Transcript transcript;
  transcript.Sent("GET / HTTP/1.1\r\n\r\n");
  transcript.Received("HTTP/1.1 302 Found\r\n\r\n");
  transcript.Sent("GET /cookie:x HTTP/1.1\r\nCookie: a=b\r\n\r\n");
  transcript.Received("HTTP/1.1 200 OK\r\nCont");
  EXPECT_EQ(transcript.Text(),
            "> GET / HTTP/1.1\n>\n< HTTP/1.1 302 Found\n<\n> GET /cookie:x HTTP/1.1\n> Cookie: ***\n>\n"
            "< HTTP/1.1 200 OK\n< Cont\n");
}

TEST(TranscriptTest, ABodyThatIsNoTextIsShownByItsBytes) {
  EXPECT_EQ(BodyText(std::string("\x1f\x8b\x00Z", 4)),
            "00000000  1f 8b 00 5a                                      |...Z|\n");
  EXPECT_EQ(BodyText("\x1b[31mred").substr(0, 10), "00000000  ") << "it would colour the terminal";
  EXPECT_EQ(BodyText("grün\r\n"), "grün\r\n");
  EXPECT_EQ(BodyText(""), "");
}

}  // namespace
}  // namespace hydrapool::loadgen
