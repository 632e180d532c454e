#include "pool/cgi/percent.h"

#include <gtest/gtest.h>

namespace hydrapool::cgi {
namespace {

TEST(DecodePathTest, DecodesEscapesInEitherCaseAndLeavesThePlus) {
  EXPECT_EQ(DecodePath("/a%20b/%C3%bc+%2e"), "/a b/\xC3\xBC+.");
  EXPECT_EQ(DecodePath(""), "");
}

TEST(DecodePathTest, DecodesOnlyOnce) { EXPECT_EQ(DecodePath("%252e%252e%252f"), "%2e%2e%2f"); }

TEST(DecodePathTest, RefusesWhatCouldChangeTheMeaningOfAFileName) {
  for (const auto* path : {"a%2fb", "a%2Fb", "a%00", "%0a", "%0D", "%7f", "a\x01", "%1b[0m"}) {
    EXPECT_EQ(DecodePath(path), std::nullopt) << path;
  }
  EXPECT_EQ(DecodePath(std::string_view("a\0b", 3)), std::nullopt);
}

TEST(DecodePathTest, AnEscapedSlashMayBeWanted) {
  EXPECT_EQ(DecodePath("a%2fb%2Fc", true), "a/b/c");
  EXPECT_EQ(DecodePath("a%2fb%00", true), std::nullopt);
}

TEST(DecodePathTest, RefusesMalformedEscapes) {
  for (const auto* path : {"%", "a%", "a%2", "%g0", "%0g", "%%20", "% 1", "%-1"}) {
    EXPECT_EQ(DecodePath(path), std::nullopt) << path;
  }
}

TEST(HasEscapeTest, TellsWhatAUrlWouldDecodeFromASignOfItsOwn) {
  for (const auto* path : {"/a%20b", "%2F", "/%%41", "/a\nb", "/\x7f"}) EXPECT_TRUE(HasEscape(path)) << path;
  for (const auto* path : {"", "/", "/100%", "/100%/", "/%4", "/%zz"}) EXPECT_FALSE(HasEscape(path)) << path;
}

}  // namespace
}  // namespace hydrapool::cgi
