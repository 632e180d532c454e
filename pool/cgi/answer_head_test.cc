#include "pool/cgi/answer_head.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace hydrapool::cgi {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

std::string HeadFor(std::string_view output, const AnswerFrame& frame) {
  const auto parsed = ParseResponseHead(output);
  return AnswerHead(std::get<ResponseHead>(parsed), frame);
}

TEST(AnswerHeadTest, FramesByLength) {
  EXPECT_EQ(HeadFor("Content-Type: text/plain\n\n", {.length = 3, .date = kDate}),
            "HTTP/1.1 200 OK\r\nServer: hydrapool\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: "
            "text/plain\r\n"
            "Content-Length: 3\r\n\r\n");
}

TEST(AnswerHeadTest, FramesByChunksAndAddsOurLines) {
  const std::string head =
      HeadFor("Content-Type: a/b\n\n", {.chunked = true, .extra_lines = "X-Worker: 1.2\r\n"});
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), head.npos) << head;
  EXPECT_NE(head.find("X-Worker: 1.2\r\n"), head.npos) << head;
  EXPECT_EQ(head.find("Content-Length"), head.npos) << head;
}

TEST(AnswerHeadTest, GivesNoFramingToAnAnswerWithoutABody) {
  for (const std::string status : {"204 Gone quiet", "304 As before"}) {
    const std::string head = HeadFor("Status: " + status + "\n\n", {.length = 7, .chunked = true});
    EXPECT_EQ(head.find("Content-Length"), head.npos) << head;
    EXPECT_EQ(head.find("Transfer-Encoding"), head.npos) << head;
  }
}

TEST(AnswerHeadTest, SaysOfA205ThatItIsEmpty) {
  EXPECT_TRUE(IsBodyless(205));
  const std::string head = HeadFor("Status: 205\n\n", {.length = 7, .chunked = true});
  EXPECT_NE(head.find("Content-Length: 0\r\n"), head.npos) << head;
  EXPECT_EQ(head.find("Transfer-Encoding"), head.npos) << head;
}

TEST(AnswerHeadTest, KeepsTheProgramsFieldsButForServerAndItsDateBeatsOurs) {
  const std::string head = HeadFor(
      "Content-Type: a/b\nServer: mine\nSet-Cookie: a=1\nSet-Cookie: b=2\nDate: then\n\n", {.date = kDate});
  EXPECT_EQ(head.find("mine"), head.npos) << head;
  EXPECT_EQ(head.find(kDate), head.npos) << head;
  EXPECT_NE(head.find("Date: then\r\n"), head.npos) << head;
  EXPECT_LT(head.find("Set-Cookie: a=1\r\n"), head.find("Set-Cookie: b=2\r\n")) << head;
}

TEST(AnswerHeadTest, SendsALocalRedirectAsA302) {
  const std::string head = HeadFor("Location: /elsewhere?x=1\n\n", {.length = 0});
  EXPECT_TRUE(head.starts_with("HTTP/1.1 302 Found\r\n")) << head;
  EXPECT_NE(head.find("Location: /elsewhere?x=1\r\n"), head.npos) << head;
  const auto status = [](std::string_view output) {
    const auto parsed = ParseResponseHead(output);
    return StatusOf(std::get<ResponseHead>(parsed));
  };
  EXPECT_EQ(status("Location: /elsewhere?x=1\n\n"), 302) << "so it is counted";
  EXPECT_EQ(status("Status: 404\n\n"), 404);
}

TEST(AnswerHeadTest, APathLeadsABrowserToNoOtherHost) {
  const auto sent = [](const std::string& location) {
    const std::string head = HeadFor("Status: 302\nLocation: " + location + "\n\n", {.length = 0});
    const auto begin = head.find("Location: ") + 10;
    return head.substr(begin, head.find('\r', begin) - begin);
  };
  EXPECT_EQ(sent("/\\example.org/"), "/%5Cexample.org/");
  EXPECT_EQ(sent("/\t/example.org/"), "/%09/example.org/");
  for (const auto* as_it_is : {"/a?b", "//example.org/a\\b", "http://example.org\\a"})
    EXPECT_EQ(sent(as_it_is), as_it_is);
}

TEST(AnswerHeadTest, TellsAClientOfHttp10ThatItMayStay) {
  const std::string head =
      HeadFor("Content-Type: a/b\n\n", {.length = 1, .keep_alive = true, .http_1_1 = false});
  EXPECT_NE(head.find("Connection: keep-alive\r\n"), head.npos) << head;
}

}  // namespace
}  // namespace hydrapool::cgi
