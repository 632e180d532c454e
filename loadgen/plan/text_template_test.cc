#include "loadgen/plan/text_template.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

std::string Expanded(std::string_view text, std::uint64_t seed, std::uint64_t turn) {
  std::string out;
  TextTemplate(text, {}).Expand(seed, turn, out);
  return out;
}

TEST(TextTemplateTest, CounterAndRandom) {
  EXPECT_EQ(Expanded("/a?{counter}&b={counter}!", 1, 42), "/a?42&b=42!");
  const auto random = Expanded("{random}", 1, 42);
  EXPECT_EQ(random.size(), 16u);
  EXPECT_EQ(random.find_first_not_of("0123456789abcdef"), random.npos);
  EXPECT_EQ(Expanded("{random}", 1, 42), random);
  EXPECT_NE(Expanded("{random}", 1, 43), random);
  EXPECT_NE(Expanded("{random}", 2, 42), random);
}

TEST(TextTemplateTest, OtherBracesAreText) {
  EXPECT_TRUE(TextTemplate("/{x}/{counter", {}).constant());
  EXPECT_EQ(Expanded("/{x}/{counter", 1, 2), "/{x}/{counter");
  EXPECT_FALSE(TextTemplate("/{random}", {}).constant());
}

TEST(TextTemplateTest, LinesOfAFileComeInTurn) {
  const LineFiles files{{"users.txt", std::make_shared<const Lines>(Lines{"ann", "bob", "eve"})}};
  const TextTemplate text("/u/{line:users.txt}?{counter}", files);
  std::string out;
  for (const std::uint64_t turn : {0u, 1u, 2u, 3u}) text.Expand(1, turn, out);
  EXPECT_EQ(out, "/u/ann?0/u/bob?1/u/eve?2/u/ann?3");
  EXPECT_TRUE(TextTemplate("/{line:other.txt}", files).constant());
}

TEST(TextTemplateTest, TheLengthIsThatOfTheText) {
  const LineFiles files{{"f", std::make_shared<const Lines>(Lines{"a", "bcd"})}};
  const TextTemplate text("<{counter}{random}{line:f}>", files);
  for (const std::uint64_t turn : {0ULL, 9ULL, 10ULL, 12345678901234567ULL}) {
    std::string out;
    text.Expand(3, turn, out);
    EXPECT_EQ(text.Length(turn), out.size());
  }
}

TEST(TextTemplateTest, ABodyMayBeAsItIs) {
  std::string out;
  TextTemplate::OfBody(Body::AsItIs("{counter}{random}"), {}).Expand(1, 2, out);
  EXPECT_EQ(out, "{counter}{random}");
}

TEST(TextTemplateTest, ALongTextIsReadOnceWhateverIsInIt) {
  for (const auto* piece : {"x", "{", "{line:", "{counter"}) {
    std::string text;
    while (text.size() < 2'000'000) text += piece;
    EXPECT_TRUE(TextTemplate(text, {}).constant())
        << piece;  // minutes, where each '{' looks for its '}' to the end
  }
}

TEST(TextTemplateTest, ALiteralExpandsToWhatItWas) {
  const LineFiles lines = {{"f", std::make_shared<const Lines>(Lines{"x"})}};
  for (const auto* text :
       {"", "a", "{", "{counter}", "{{random}}", "{line:f}", "{brace}", "{brace}counter}", "{}"}) {
    const auto literal = Literal(text);
    const TextTemplate text_template(literal, lines);
    std::string out;
    text_template.Expand(1, 5, out);
    EXPECT_EQ(out, text);
    EXPECT_EQ(text_template.Length(5), out.size());
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
