#include "pool/access/entry.h"

#include <gtest/gtest.h>

#include <string>

namespace hydrapool::access {
namespace {

using Text = Entry::Text;

TEST(EntryTest, KeepsTextsApart) {
  Entry entry;
  for (std::size_t i = 0; i < Entry::kMost.size(); ++i)
    entry.Set(static_cast<Text>(i), std::string(Entry::kMost[i], static_cast<char>('a' + i)));
  for (std::size_t i = 0; i < Entry::kMost.size(); ++i) {
    EXPECT_EQ(entry.Get(static_cast<Text>(i)), std::string(Entry::kMost[i], static_cast<char>('a' + i)));
    EXPECT_FALSE(entry.WasCut(static_cast<Text>(i)));
  }
}

TEST(EntryTest, CutsWhatIsTooLong) {
  Entry entry;
  entry.Set(Text::kMethod, std::string(100'000, 'x'));
  EXPECT_EQ(entry.Get(Text::kMethod).size(), Entry::kMost[3]);
  EXPECT_TRUE(entry.WasCut(Text::kMethod));
  entry.Set(Text::kMethod, "GET");
  EXPECT_EQ(entry.Get(Text::kMethod), "GET");
  EXPECT_FALSE(entry.WasCut(Text::kMethod));
}

TEST(EntryTest, ReadsStatusAndHeadOffAnAnswer) {
  Entry entry;
  entry.NoteAnswer("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nbody", 70);
  EXPECT_EQ(entry.status, 404);
  EXPECT_EQ(entry.head, 32u);
  EXPECT_EQ(entry.answer_at, 70u);
}

TEST(EntryTest, TheFirstStepOfAnAnswerCounts) {
  Entry entry;
  entry.NoteAnswer("HTTP/1.1 200 OK\r\n\r\n", 1);
  entry.NoteAnswer("HTTP/1.1 500 Not me\r\n\r\n", 2);
  EXPECT_EQ(entry.status, 200);
  EXPECT_EQ(entry.answer_at, 1u);
}

TEST(EntryTest, AnAnswerOfWhichNothingHasLeftIsReplacedByTheNextWorkersOwn) {
  Entry entry;
  entry.NoteAnswer("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", 70);
  entry.NoteAnswer("HTTP/1.1 502 Bad Gateway\r\n\r\n", 70);
  EXPECT_EQ(entry.status, 502);
  EXPECT_EQ(entry.head, 28u);
  entry.NoteAnswer("", 70);  // a program says all of it
  EXPECT_EQ(entry.status, 502);
}

TEST(EntryTest, WhatIsNoHeadHasNoStatus) {
  for (const char* bytes : {"", "HTTP/1.1", "HTTP/1.1 2x0 OK\r\n\r\n", "hello, this is a long text"}) {
    Entry entry;
    entry.NoteAnswer(bytes, 0);
    EXPECT_EQ(entry.status, 0) << bytes;
  }
}

}  // namespace
}  // namespace hydrapool::access
