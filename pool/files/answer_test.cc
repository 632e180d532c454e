#include "pool/files/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hydrapool::files {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The answer's bytes, with the file's from 'a' on.
std::string BytesOf(const std::string& method, const std::vector<http::Field>& fields, FileFacts facts = {}) {
  facts.validators = {.tag = "\"t\"", .modified = 784111777};
  facts.type = "text/x";
  if (facts.size == 0) facts.size = 26;
  const Answer answer = AnswerFor({.method = method, .fields = fields}, facts, {.boundary = "B"});
  std::string bytes;
  for (const auto& [text, part] : answer.pieces) {
    bytes += text;
    for (std::uint64_t i = 0; i < part.length; ++i) bytes += static_cast<char>('a' + part.at + i);
  }
  return bytes + answer.end;
}

FileFacts Varying(std::string_view coding) {
  FileFacts facts;
  facts.coding = coding;
  facts.varies = true;
  return facts;
}

TEST(FileAnswerTest, AllOfIt) {
  EXPECT_EQ(
      BytesOf("GET", {}),
      "HTTP/1.1 200 OK\r\nServer: hydrapool\r\nContent-Type: text/x\r\nContent-Length: 26\r\nETag: \"t\"\r\n"
      "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nAccept-Ranges: "
      "bytes\r\n\r\nabcdefghijklmnopqrstuvwxyz");
  const std::string head = BytesOf("HEAD", {{"Range", "bytes=0-1"}});
  EXPECT_THAT(head, HasSubstr("200 OK"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 26\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST(FileAnswerTest, APartOfIt) {
  const std::string part = BytesOf("GET", {{"Range", "bytes=2-4"}});
  EXPECT_THAT(part, HasSubstr("206 Partial Content"));
  EXPECT_THAT(part, HasSubstr("Content-Range: bytes 2-4/26\r\n"));
  EXPECT_THAT(part, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_TRUE(part.ends_with("\r\n\r\ncde"));
  EXPECT_THAT(BytesOf("GET", {{"Range", "bytes=2-4"}, {"If-Range", "\"other\""}}), HasSubstr("200 OK"));
  const std::string none = BytesOf("GET", {{"Range", "bytes=26-"}});
  EXPECT_THAT(none, HasSubstr("416 Range Not Satisfiable"));
  EXPECT_THAT(none, HasSubstr("Content-Range: bytes */26\r\n"));
}

TEST(FileAnswerTest, SeveralParts) {
  const std::string parts = BytesOf("GET", {{"Range", "bytes=0-1,-2"}});
  EXPECT_THAT(parts, HasSubstr("Content-Type: multipart/byteranges; boundary=B\r\n"));
  const std::string body = parts.substr(parts.find("\r\n\r\n") + 4);
  EXPECT_EQ(body,
            "--B\r\nContent-Type: text/x\r\nContent-Range: bytes 0-1/26\r\n\r\nab\r\n"
            "--B\r\nContent-Type: text/x\r\nContent-Range: bytes 24-25/26\r\n\r\nyz\r\n--B--\r\n");
  EXPECT_THAT(parts, HasSubstr("Content-Length: " + std::to_string(body.size()) + "\r\n"));
}

TEST(FileAnswerTest, NothingOfIt) {
  const std::string unchanged = BytesOf("GET", {{"If-None-Match", "\"t\""}, {"Range", "bytes=0-1"}});
  EXPECT_THAT(unchanged, HasSubstr("304 Not Modified"));
  EXPECT_THAT(unchanged, HasSubstr("ETag: \"t\"\r\n"));
  EXPECT_THAT(unchanged, Not(HasSubstr("Content-")));
  EXPECT_TRUE(unchanged.ends_with("\r\n\r\n"));
  EXPECT_THAT(BytesOf("GET", {{"If-Match", "\"x\""}}), HasSubstr("412 Precondition Failed"));
}

TEST(FileAnswerTest, ACodingOfIt) {
  const std::string coded = BytesOf("GET", {}, Varying("br"));
  EXPECT_THAT(coded, HasSubstr("Content-Encoding: br\r\n"));
  EXPECT_THAT(coded, HasSubstr("Vary: Accept-Encoding\r\n"));
  const std::string plain = BytesOf("GET", {{"If-None-Match", "*"}}, Varying(""));
  EXPECT_THAT(plain, HasSubstr("Vary: Accept-Encoding\r\n"));
}

}  // namespace
}  // namespace hydrapool::files
