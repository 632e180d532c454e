#include "pool/access/line.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <string>
#include <string_view>

namespace hydrapool::access {
namespace {

using Text = Entry::Text;

constexpr std::int64_t kAt = 1'700'000'000'250'000'000;  // 2023-11-14T22:13:20.25Z

class AccessLineTest : public ::testing::Test {
 protected:
  AccessLineTest() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    entry_.Set(Text::kId, "id-1");
    entry_.Set(Text::kClient, "10.0.0.7");
    entry_.Set(Text::kMethod, "GET");
    entry_.Set(Text::kTarget, "/a?b");
    entry_.NoteAnswer("HTTP/1.1 200 OK\r\n\r\n", 0);
  }
  [[nodiscard]] std::string Line(Format format) const { return LineOf(format, entry_, outcome_); }

  Entry entry_;
  Outcome outcome_{.sent = 24, .duration = 250'000'000, .ended_at = kAt, .worker = 2, .incarnation = 7};
};

TEST_F(AccessLineTest, CombinedIsAsOtherServersWriteIt) {
  entry_.Set(Text::kUser, "ann b");
  entry_.Set(Text::kAgent, "curl/8");
  EXPECT_EQ(Line(Format::kCombined),
            "10.0.0.7 - ann_b [14/Nov/2023:22:13:20 +0000] \"GET /a?b HTTP/1.1\" 200 5 \"-\" \"curl/8\"\n");
}

TEST_F(AccessLineTest, CombinedHasTheLocalTime) {
  ::setenv("TZ", "XXX+3:30", 1);
  ::tzset();
  EXPECT_NE(Line(Format::kCombined).find("[14/Nov/2023:18:43:20 -0330]"), std::string::npos);
}

TEST_F(AccessLineTest, JsonSaysAll) {
  entry_.Set(Text::kScript, "/cgi-bin/x");
  outcome_.exit = 3;
  EXPECT_EQ(
      Line(Format::kJson),
      "{\"time\":\"2023-11-14T22:13:20.000Z\",\"id\":\"id-1\",\"client\":\"10.0.0.7\",\"method\":\"GET\","
      "\"target\":\"/a?b\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":5,\"sent\":24,"
      "\"duration\":0.250000,\"worker\":\"2.7\",\"script\":\"/cgi-bin/x\",\"exit\":3,\"rescued\":false}\n");
  outcome_.exit = 256 + 9;
  EXPECT_NE(Line(Format::kJson).find("\"signal\":9,"), std::string::npos);
}

TEST_F(AccessLineTest, AClientThatLeftBeforeAnyAnswerIsA499) {
  entry_.status = 0;
  outcome_.cut = true;
  outcome_.sent = 0;
  EXPECT_NE(Line(Format::kJson).find("\"status\":499,\"bytes\":0,"), std::string::npos);
  EXPECT_NE(Line(Format::kJson).find("\"cut\":true"), std::string::npos);
}

struct Escape {
  std::string_view text;
  std::string_view combined;
  std::string_view json;
};

TEST_F(AccessLineTest, NothingOfAStrangersEndsALineOrAText) {
  const Escape kCases[] = {
      {"a\"b", "a\\\"b", "a\\\"b"},
      {"a\\b", "a\\\\b", "a\\\\b"},
      {"a\nb\x1b[1m\x7f", "a\\x0ab\\x1b[1m\\x7f", "a\\u000ab\\u001b[1m\\u007f"},
      {"\xc3\xa4", "\xc3\xa4", "\xc3\xa4"},
      {"\xc2\x9b", "\\x9b", "\\u009b"},
      {"\xff\xc3", "\\xff\\xc3", "\\\\xff\\\\xc3"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80"},
      {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\\\xe0\\\\x80\\\\xaf"},
  };
  for (const auto& [text, combined, json] : kCases) {
    entry_.Set(Text::kTarget, text);
    EXPECT_NE(Line(Format::kCombined).find(fmt::format("\"GET {} HTTP/1.1\"", combined)), std::string::npos)
        << Line(Format::kCombined);
    EXPECT_NE(Line(Format::kJson).find(fmt::format("\"target\":\"{}\"", json)), std::string::npos)
        << Line(Format::kJson);
  }
}

TEST_F(AccessLineTest, FitsWhateverIsInIt) {
  for (const char byte : {'a', '\0', '"', '\xff', '\x7f'}) {
    for (std::size_t i = 0; i < Entry::kMost.size(); ++i)
      entry_.Set(static_cast<Text>(i), std::string(5000, byte));
    outcome_ = {.sent = UINT64_MAX,
                .cut = true,
                .duration = INT64_MAX / 2,
                .ended_at = INT64_MAX,
                .worker = UINT32_MAX,
                .incarnation = UINT32_MAX,
                .exit = 511};
    for (const Format format : {Format::kCombined, Format::kJson}) {
      const std::string line = Line(format);
      EXPECT_LE(line.size(), kLongestAccessLine);
      EXPECT_EQ(line.find('\n'), line.size() - 1);
      EXPECT_NE(line.find("...\""), std::string::npos);
    }
  }
}

TEST_F(AccessLineTest, WhatWasNoRequestIsQuotedAsItCame) {
  entry_.Set(Text::kMethod, "");
  entry_.Set(Text::kTarget, "\x16\x03\x01");
  EXPECT_NE(Line(Format::kCombined).find("] \"\\x16\\x03\\x01\" 200"), std::string::npos);
  entry_.Set(Text::kTarget, "");
  EXPECT_NE(Line(Format::kCombined).find("] \"-\" 200"), std::string::npos);
}

}  // namespace
}  // namespace hydrapool::access
