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
  EXPECT_EQ(Refusal("auto", {"Content-Length: 3"}), "raw");
  EXPECT_THAT(Refusal("auto", {"Content-Length: 4"}), HasSubstr("and a body of 3 bytes"));
  EXPECT_THAT(Refusal("auto", {"Content-Length: 1"}, {}), HasSubstr("and a body of 0 bytes"));
  EXPECT_THAT(Refusal("curl", {"Content-Length: x"}), HasSubstr("no number"));
}

}  // namespace
}  // namespace hydrapool::loadgen
