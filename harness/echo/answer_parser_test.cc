#include "harness/echo/answer_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Drain(AnswerParser& parser) {
  std::vector<std::string> answers;
  while (const auto answer = parser.Next()) {
    answers.push_back(std::to_string(answer->status) + " " + std::string(answer->body));
  }
  return answers;
}

constexpr std::string_view kTwo =
    "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 8\r\n\r\nhello 1\n"
    "HTTP/1.1 100 Continue\r\n\r\n"
    "HTTP/1.1 502 Bad Gateway\r\ncontent-length:\t3 \r\nX: \r\n\r\nno\n";

TEST(AnswerParserTest, SplitsPipelinedAnswersAndSkipsInterimOnes) {
  AnswerParser parser;
  parser.Feed(kTwo);
  EXPECT_THAT(Drain(parser), ElementsAre("200 hello 1\n", "502 no\n"));
  EXPECT_FALSE(parser.mid_answer());
}

TEST(AnswerParserTest, FedByteByByteGivesTheSame) {
  AnswerParser parser;
  std::vector<std::string> answers;
  for (const char byte : kTwo) {
    parser.Feed({&byte, 1});
    for (auto& answer : Drain(parser)) answers.push_back(std::move(answer));
  }
  EXPECT_THAT(answers, ElementsAre("200 hello 1\n", "502 no\n"));
}

TEST(AnswerParserTest, TakesChunksOffHoweverTheyCome) {
  constexpr std::string_view kChunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n6;x=y\r\nhello \r\n2\r\n7\n\r\n0\r\nTrailer: "
      "x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  AnswerParser whole;
  whole.Feed(kChunked);
  EXPECT_THAT(Drain(whole), ElementsAre("200 hello 7\n", "200 "));
  EXPECT_FALSE(whole.mid_answer());
  AnswerParser bytewise;
  std::vector<std::string> answers;
  for (const char byte : kChunked) {
    bytewise.Feed({&byte, 1});
    for (auto& answer : Drain(bytewise)) answers.push_back(std::move(answer));
  }
  EXPECT_THAT(answers, ElementsAre("200 hello 7\n", "200 "));
}

TEST(AnswerParserTest, AnAnswerThatIsCutIsMidAnswer) {
  AnswerParser parser;
  parser.Feed(kTwo.substr(0, kTwo.size() - 1));
  EXPECT_THAT(Drain(parser), ElementsAre("200 hello 1\n"));
  EXPECT_TRUE(parser.mid_answer());
  EXPECT_FALSE(parser.broken());
}

TEST(AnswerParserTest, SomeStatusesHaveNoBody) {
  AnswerParser parser;
  parser.Feed("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.0 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
  EXPECT_THAT(Drain(parser), ElementsAre("204 ", "304 "));
}

TEST(AnswerParserTest, TellsWhichAnswerIsTheLast) {
  const auto is_last = [](const std::string& version, const std::string& field) {
    AnswerParser parser;
    parser.Feed(version + " 200 OK\r\n" + field + "Content-Length: 0\r\n\r\n");
    return parser.Next().value().last;
  };
  EXPECT_FALSE(is_last("HTTP/1.1", ""));
  EXPECT_FALSE(is_last("HTTP/1.1", "Connection: keep-alive\r\n"));
  EXPECT_TRUE(is_last("HTTP/1.1", "Connection: Close\r\n"));
  EXPECT_TRUE(is_last("HTTP/1.0", ""));
  EXPECT_TRUE(is_last("HTTP/1.0", "Connection: close\r\n"));
  EXPECT_FALSE(is_last("HTTP/1.0", "connection: Keep-Alive\r\n"));
}

TEST(AnswerParserTest, BreaksOnWhatItCannotFrame) {
  for (const std::string text :
       {"HTTP/1.1 200 OK\r\n\r\n", "hello 1\n\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 1\r\n\r\n"}) {
    AnswerParser parser;
    parser.Feed(text);
    EXPECT_THAT(Drain(parser), IsEmpty()) << text;
    EXPECT_TRUE(parser.broken()) << text;
  }
}

TEST(AnswerParserTest, BreaksOnAHeadWithoutEnd) {
  AnswerParser parser;
  parser.Feed("HTTP/1.1 200 OK\r\n" + std::string(70'000, 'x'));
  EXPECT_FALSE(parser.Next());
  EXPECT_TRUE(parser.broken());
}

}  // namespace
}  // namespace hydrapool::harness
