#include "loadgen/engine/engine_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(ChooseEngineTest, AutoIsRawWhereverRawCanSpeak) {
  EXPECT_EQ(ChooseEngine("auto", {.targets = {{.url = "http://h/"}, {.url = "http://[::1]:80/x"}}})->name,
            "raw");
  EXPECT_EQ(ChooseEngine("auto", {.targets = {{.url = "http://h/"}, {.url = "https://h/"}}})->name, "curl");
  EXPECT_EQ(ChooseEngine("auto", {.targets = {{.url = "http://me:secret@h/"}}})->name, "curl");
  EXPECT_EQ(ChooseEngine("curl", {.targets = {{.url = "http://h/"}}})->name, "curl");
}

std::string ForHttp2(const char* engine, const char* url, Wire wire) {
  wire.extras.http2 = true;
  const auto choice = ChooseEngine(engine, {.targets = {{.url = url}}, .wire = std::move(wire)});
  return choice ? choice->name : choice.error().message;
}

TEST(ChooseEngineTest, Http2HasAnEngineOfItsOwnAndCurlWhereOnlyThatCan) {
  using ::testing::HasSubstr;
  EXPECT_EQ(ForHttp2("auto", "http://h/", {.streams = 10}), "h2");
  EXPECT_EQ(ForHttp2("auto", "https://h/", {.extras = {.insecure = true, .user = "a:b"}}), "h2");
  EXPECT_EQ(ForHttp2("auto", "https://h/", {.extras = {.follow = true}}), "curl");
  EXPECT_EQ(ForHttp2("curl", "https://h/", {}), "curl");
  EXPECT_THAT(ForHttp2("auto", "http://h/", {.extras = {.cookies = true}}), HasSubstr("https:// URLs"));
  EXPECT_THAT(ForHttp2("auto", "https://h/", {.streams = 2, .extras = {.follow = true}}),
              HasSubstr("one request at a time"));
  EXPECT_THAT(ForHttp2("h2", "https://h/", {.extras = {.proxy = "http://p/"}}), HasSubstr("--proxy"));
  EXPECT_THAT(ForHttp2("raw", "http://h/", {}), HasSubstr("--http2"));
  EXPECT_THAT(ForHttp2("auto", "http://h/", {.keep_alive = false, .streams = 2}),
              HasSubstr("--connection close"));
}

TEST(ChooseEngineTest, AByteRateIsForCurl) {
  using ::testing::HasSubstr;
  Plan plan{.targets = {{.url = "http://h/"}}, .wire = {.extras = {.limit_rate = 1000}}};
  EXPECT_EQ(ChooseEngine("auto", plan)->name, "curl");
  EXPECT_THAT(ChooseEngine("raw", plan).error().message, HasSubstr("cannot do --limit-rate"));
  EXPECT_THAT(ForHttp2("h2", "http://h/", plan.wire), HasSubstr("cannot do --limit-rate"));
}

TEST(ChooseEngineTest, RawIsRefusedWhatItCannotSpeak) {
  const auto choice = ChooseEngine("raw", {.targets = {{.url = "https://h/"}}});
  ASSERT_FALSE(choice);
  EXPECT_THAT(choice.error().message, ::testing::HasSubstr("https://h/"));
}

std::string Refusal(const char* engine, std::vector<std::string> headers, Body body = "abc") {
  const auto choice = ChooseEngine(
      engine,
      {.targets = {
           {.url = "http://h/", .method = "POST", .headers = std::move(headers), .body = std::move(body)}}});
  return choice ? choice->name : choice.error().message;
}

TEST(ChooseEngineTest, ARequestHasOneFraming) {
  using ::testing::HasSubstr;
  EXPECT_EQ(Refusal("auto", {"transfer-encoding:  Chunked"}), "curl");
  EXPECT_THAT(Refusal("raw", {"Transfer-Encoding: chunked"}), HasSubstr("raw cannot send in chunks"));
  EXPECT_THAT(Refusal("auto", {"Transfer-Encoding: chunked", "Content-Length: 3"}), HasSubstr("both"));
  EXPECT_THAT(Refusal("auto", {"Transfer-Encoding: chunked"}, {}), HasSubstr("without a body"));
  EXPECT_THAT(Refusal("curl", {"Transfer-Encoding: gzip"}), HasSubstr("only chunked"));
  for (const auto* engine : {"raw", "curl", "h2"}) {
    EXPECT_THAT(Refusal(engine, {"Content-Length: 3", "content-length: 3"}), HasSubstr("is there twice"));
    EXPECT_THAT(Refusal(engine, {"Host: a", "Host: b"}), HasSubstr("Host is there twice"));
    EXPECT_THAT(Refusal(engine, {"Transfer-Encoding;"}), HasSubstr("Transfer-Encoding is empty"));
    EXPECT_THAT(Refusal(engine, {"content-length;"}, {}), HasSubstr("Content-Length is empty"));
  }
  EXPECT_THAT(Refusal("auto", {"Transfer-Encoding: chunked", "Transfer-Encoding: chunked"}),
              HasSubstr("is there twice"));
  for (const auto* engine : {"raw", "curl"})
    EXPECT_THAT(Refusal(engine, {"content-length:"}), HasSubstr("a body without its Content-Length"));
  EXPECT_EQ(Refusal("auto", {"Content-Length:"}, ""), "raw");
  EXPECT_EQ(Refusal("auto", {"Content-Length:", "Transfer-Encoding: chunked"}), "curl");
  EXPECT_EQ(Refusal("auto", {"Content-Length: 3"}), "raw");
  EXPECT_THAT(Refusal("auto", {"Content-Length: 4"}), HasSubstr("and a body of 3 bytes"));
  EXPECT_THAT(Refusal("auto", {"Content-Length: 1"}, {}), HasSubstr("and a body of 0 bytes"));
  EXPECT_THAT(Refusal("curl", {"Content-Length: x"}), HasSubstr("no number"));
}

TEST(ChooseEngineTest, ABodyThatVariesHasNoLengthOfItsOwn) {
  using ::testing::HasSubstr;
  for (const auto* engine : {"raw", "curl", "h2"}) {
    EXPECT_THAT(Refusal(engine, {"Content-Length: 1"}, "abc{counter}"), HasSubstr("differs from request"));
    EXPECT_THAT(Refusal(engine, {"Content-Length: 12"}, "abc{counter}"), HasSubstr("differs from request"));
    EXPECT_THAT(Refusal(engine, {"Content-Length: {counter}"}), HasSubstr("no number"));
  }
  EXPECT_EQ(Refusal("auto", {"Content-Length: 7"}, R"({"a":1})"), "raw");
  EXPECT_EQ(Refusal("auto", {"Content-Length: 9"}, "{brace}counter}"), "raw");
  EXPECT_THAT(Refusal("auto", {"Content-Length: 15"}, "{brace}counter}"), HasSubstr("a body of 9 bytes"));
}

}  // namespace
}  // namespace hydrapool::loadgen
