#include "loadgen/url_template.h"

#include <gtest/gtest.h>

namespace loadgen {
namespace {

std::string Expanded(std::string_view text, std::uint64_t seed, std::uint64_t turn) {
  std::string out;
  UrlTemplate(text).Expand(seed, turn, out);
  return out;
}

TEST(UrlTemplateTest, CounterAndRandom) {
  EXPECT_EQ(Expanded("/a?{counter}&b={counter}!", 1, 42), "/a?42&b=42!");
  const auto random = Expanded("{random}", 1, 42);
  EXPECT_EQ(random.size(), 16u);
  EXPECT_EQ(random.find_first_not_of("0123456789abcdef"), random.npos);
  EXPECT_EQ(Expanded("{random}", 1, 42), random);
  EXPECT_NE(Expanded("{random}", 1, 43), random);
  EXPECT_NE(Expanded("{random}", 2, 42), random);
}

TEST(UrlTemplateTest, OtherBracesAreText) {
  EXPECT_TRUE(UrlTemplate("/{x}/{counter").constant());
  EXPECT_EQ(Expanded("/{x}/{counter", 1, 2), "/{x}/{counter");
  EXPECT_FALSE(UrlTemplate("/{random}").constant());
}

}  // namespace
}  // namespace loadgen
