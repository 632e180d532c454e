#include "pool/sys/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "pool/sys/stderr_log.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys::log {
namespace {

std::string Written(Level level, std::string_view text) {
  testing::internal::CaptureStderr();
  Write(level, text);
  return testing::internal::GetCapturedStderr();
}

std::string TakeAll(int fd) {
  std::string all;
  char piece[8192];
  for (ssize_t count; (count = ::read(fd, piece, sizeof piece)) > 0;)
    all.append(piece, static_cast<std::size_t>(count));
  return all;
}

class LogTest : public testing::Test {
 protected:
  ~LogTest() override {
    SetLevel(Level::kInfo);
    SetFormat(Format::kText);
  }
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

TEST_F(LogTest, LogfmtAndJsonQuoteWhateverItIs) {
  constexpr std::string_view kText = "a \"b\" \\ c\n\xff \xc2\x9b \xc3\xa9";
  constexpr std::string_view kQuoted = R"(a \"b\" \\ c\\x0a\\xff \\x9b )"
                                       "\xc3\xa9\"";
  const std::string pid = std::to_string(::getpid());
  SetFormat(Format::kLogfmt);
  std::string line = Written(Level::kWarning, kText);
  EXPECT_TRUE(line.starts_with("time=20")) << line;
  EXPECT_TRUE(line.ends_with(" level=warning pid=" + pid + " msg=\"" + std::string(kQuoted) + "\n")) << line;
  SetFormat(Format::kJson);
  line = Written(Level::kError, kText);
  EXPECT_TRUE(line.starts_with("{\"time\":\"20")) << line;
  EXPECT_TRUE(
      line.ends_with("\",\"level\":\"error\",\"pid\":" + pid + ",\"msg\":\"" + std::string(kQuoted) + "}\n"))
      << line;
}

TEST_F(LogTest, ALongTextDoesNotBreakItsQuotes) {
  SetFormat(Format::kJson);
  const std::string line = Written(Level::kError, std::string(10'000, '"'));
  EXPECT_LE(line.size(), kLongestLine);
  EXPECT_TRUE(line.ends_with("\\\"...\"}\n")) << line.substr(line.size() - 20);
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

// stderr is a pipe that is full; then its reader takes up again.
TEST_F(LogTest, WhatIsDroppedIsCountedAndTold) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read(ends[0]);
  const UniqueFd write(ends[1]);
  const UniqueFd before(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  ::fcntl(read.get(), F_SETFL, O_NONBLOCK);
  DroppedLines dropped;
  CountDroppedIn(&dropped);
  ::dup2(write.get(), STDERR_FILENO);
  while (dropped.count < 100) Write(Level::kInfo, "a line that nobody reads");
  TellDropped();
  const std::uint64_t told_too_early = dropped.told;
  const std::string full = TakeAll(read.get());
  TellDropped();
  TellDropped();
  Write(Level::kInfo, "after it");
  ::dup2(before.get(), STDERR_FILENO);
  CountDroppedIn(nullptr);
  EXPECT_EQ(told_too_early, 0u);
  EXPECT_EQ(full.find("dropped"), full.npos);
  const std::string after = TakeAll(read.get());
  EXPECT_NE(after.find("] 100 log lines were dropped\n"), after.npos) << after;
  EXPECT_EQ(after.find("dropped"), after.rfind("dropped")) << after;
  EXPECT_TRUE(after.ends_with("after it\n")) << after;
  EXPECT_EQ(dropped.count, 100u);
}

TEST_F(LogTest, AFloodOfProgramsWordsIsCutAndTold) {
  testing::internal::CaptureStderr();
  std::array<int, 2> ends;
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  const auto say = [&](const std::string& name, int lines) {
    StderrLog log(name);
    for (int i = 0; i < lines; ++i) {
      ASSERT_EQ(::write(in.get(), "word\n", 5), 5);
      log.Drain(out.get());
    }
  };
  say("flood", 5000);
  const std::string flood = testing::internal::GetCapturedStderr();
  const auto lines = static_cast<std::uint32_t>(std::ranges::count(flood, '\n'));
  EXPECT_GE(lines, StderrLog::kMaxLines);
  EXPECT_LT(lines, 5000u);
  EXPECT_NE(flood.find("flood: stderr: word"), flood.npos);
}

}  // namespace
}  // namespace hydrapool::sys::log
