#include "loadgen/report/terminal_text.h"

#include <gtest/gtest.h>

#include <array>

namespace hydrapool::loadgen {
namespace {

TEST(PrintableTest, WordsInAnyLanguageStayAsTheyAre) {
  EXPECT_EQ(Printable("worker-1 µs Grüße 日本 🚀"), "worker-1 µs Grüße 日本 🚀");
}

TEST(PrintableTest, WhatCouldMoveTheCursorIsReplaced) {
  EXPECT_EQ(Printable("\x1b[31mred\r\n\x7f"), "?[31mred???");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "?31m")
      << "CSI of Latin-1";
  EXPECT_EQ(Printable("\x9b"
                      "31m"),
            "?31m")
      << "no UTF-8";
  EXPECT_EQ(Printable("a\u202eb\u2066c\u2028d"), "a?b?c?d") << "direction, line separator";
}

TEST(PrintableTest, WhatIsNoUtf8IsReplacedByteForByte) {
  EXPECT_EQ(Printable("\xff\xfe"), "??");
  EXPECT_EQ(Printable("\xe2\x82"), "??") << "cut off";
  EXPECT_EQ(Printable("\xc0\xaf"), "??") << "longer than need be";
  EXPECT_EQ(Printable("\xed\xa0\x80"), "???") << "half a surrogate pair";
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "????") << "behind the last character";
  EXPECT_EQ(Printable(std::string("a\0b", 3)), "a?b");
}

TEST(PrintableTest, IsNotEndless) {
  EXPECT_EQ(Printable("µµµµ", 4), "µµµµ");
  EXPECT_EQ(Printable("µµµµµ", 4), "µµµµ…");
}

TEST(ColumnsTest, EscapesTakeNone) { EXPECT_EQ(Columns("\x1b[31mµs █\x1b[0m"), 4u); }

TEST(CutTest, NeverWithinACharacterAndNeverInColour) {
  EXPECT_EQ(Cut("aµb", 2), "aµ");
  EXPECT_EQ(Cut("\x1b[31mred", 2), "\x1b[31mre\x1b[0m");
  EXPECT_EQ(Padded("µ", 3), "µ  ");
}

TEST(ComesBeforeTest, NumbersCountAsNumbers) {
  const std::array sorted{"", "0", "2", "010", "10", "10.1", "worker", "worker-2", "worker-10", "worker-10b"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j)
      EXPECT_EQ(ComesBefore(sorted[i], sorted[j]), i < j) << i << j;
  }
}

TEST(WrapTest, BreaksLongLinesAtBlanksAndLeavesTheOthers) {
  EXPECT_EQ(Wrap("short\nwarning  one two three\n\n  x\n", 16, 9),
            "short\nwarning  one two\n         three\n\n  x\n");
  EXPECT_EQ(Wrap("µs µs µs", 5, 0), "µs µs\nµs\n");
}

TEST(WrapTest, AWordThatIsLongerThanALineStaysWhole) {
  EXPECT_EQ(Wrap("label http://a-long-host/ and", 12, 6), "label http://a-long-host/\n      and\n");
  EXPECT_EQ(Wrap("aaaaaaaaaa", 5, 2), "aaaaaaaaaa\n");
}

}  // namespace
}  // namespace hydrapool::loadgen
