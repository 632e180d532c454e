#include "pool/sys/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace hydrapool::sys::log {
namespace {

std::string Written(Level level, std::string_view text) {
  testing::internal::CaptureStderr();
  Write(level, text);
  return testing::internal::GetCapturedStderr();
}

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { SetLevel(Level::kInfo); }
};

TEST_F(LogTest, OneLineWithLevelAndPid) {
  const std::string line = Written(Level::kWarning, "something happened");
  EXPECT_NE(line.find(" warning ["), line.npos) << line;
  EXPECT_NE(line.find("[" + std::to_string(::getpid()) + "]"), line.npos) << line;
  EXPECT_TRUE(line.ends_with("something happened\n")) << line;
}

TEST_F(LogTest, WhatAStrangerSentCannotForgeALineOrColourATerminal) {
  const std::string line = Written(Level::kError, std::string_view("a\nb\r\x1b[31mc\x7f\0d\t", 14));
  EXPECT_TRUE(line.ends_with("a\\x0ab\\x0d\\x1b[31mc\\x7f\\x00d\\x09\n")) << line;
}

TEST_F(LogTest, ControlCharactersPastAsciiAreEscapedToo) {
  const std::string line = Written(Level::kError,
                                   "\xc2\x9b"
                                   "31m \xc2\xa0 \xc2");
  EXPECT_TRUE(line.ends_with("\\x9b31m \xc2\xa0 \xc2\n")) << line;
}

TEST_F(LogTest, BracesAreText) { EXPECT_TRUE(Written(Level::kError, "{} {0} %s").ends_with("{} {0} %s\n")); }

TEST_F(LogTest, TextInOtherLanguagesStaysReadable) {
  EXPECT_TRUE(Written(Level::kError,
                      "gr\xc3\xbc\xc3\x9f"
                      "e")
                  .ends_with("gr\xc3\xbc\xc3\x9f"
                             "e\n"));
}

TEST_F(LogTest, BelowItsLevelNothingIsWritten) {
  SetLevel(Level::kError);
  EXPECT_FALSE(Enabled(Level::kWarning));
  EXPECT_TRUE(Enabled(Level::kError));
  testing::internal::CaptureStderr();
  Warn("{}", "unheard");
  Error("{} {}", "heard", 1);
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_EQ(lines.find("unheard"), lines.npos);
  EXPECT_TRUE(lines.ends_with("heard 1\n"));
  SetLevel(Level::kOff);
  EXPECT_FALSE(Enabled(Level::kError));
}

}  // namespace
}  // namespace hydrapool::sys::log
