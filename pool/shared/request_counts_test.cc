#include "pool/shared/request_counts.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace hydrapool {
namespace {

TEST(SitePartsTest, ANameKeepsItsNumberAndTheLastOnesShareNone) {
  SiteParts parts;
  EXPECT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts.NameOf(0), "none");
  EXPECT_EQ(parts.Enter("/cgi-bin/"), 1);
  EXPECT_EQ(parts.Enter("/"), 2);
  EXPECT_EQ(parts.Enter("/cgi-bin/"), 1);
  EXPECT_EQ(parts.Find("/"), 2);
  EXPECT_EQ(parts.Find("/cgi"), 0);
  EXPECT_EQ(parts.NameOf(2), "/");
  for (std::size_t i = parts.size(); i < kMostParts; ++i) EXPECT_EQ(parts.Enter("/" + std::to_string(i)), i);
  EXPECT_EQ(parts.Enter("/one too many"), 0);
  EXPECT_EQ(parts.Enter("/"), 2);
  EXPECT_EQ(parts.size(), kMostParts);
}

TEST(SitePartsTest, ALongNameIsCutAndFoundAgain) {
  SiteParts parts;
  const std::string name(200, 'x');
  EXPECT_EQ(parts.Enter(name), 1);
  EXPECT_EQ(parts.Find(name), 1);
  EXPECT_EQ(parts.NameOf(1), name.substr(0, SiteParts::kLongestName));
}

TEST(SitePartsTest, ANameIsWellFormedUtf8WhateverItWas) {
  const struct {
    std::string name;
    std::string shown;
  } cases[] = {
      {"/caf\xc3\xa9/", "/caf\xc3\xa9/"},
      {"/caf\xe9/", "/caf%E9/"},
      {"/\xc3", "/%C3"},
      {"/\xed\xa0\x80", "/%ED%A0%80"},
      {"/a\nb\x7f", "/a%0Ab%7F"},
      {"/" + std::string(61, 'x') + "\xc3\xa9", "/" + std::string(61, 'x')},
      {"/" + std::string(60, 'x') + "\xc3\xa9/", "/" + std::string(60, 'x') + "\xc3\xa9"},
      {"/" + std::string(60, 'x') + "\xff", "/" + std::string(60, 'x')},
      {"/" + std::string(59, 'x') + "\xff", "/" + std::string(59, 'x') + "%FF"},
  };
  SiteParts parts;
  for (const auto& [name, shown] : cases) {
    const std::uint8_t part = parts.Enter(name);
    EXPECT_EQ(parts.NameOf(part), shown);
    EXPECT_EQ(parts.Find(name), part) << shown;
  }
}

TEST(RequestSecondsTest, WhateverIsSaidOfARequestItIsCounted) {
  const auto seconds = std::make_unique<RequestSeconds>();
  seconds->Observe(1, 2, 5);
  seconds->Observe(1, 5, 5);
  seconds->Observe(0, 0, 5);
  seconds->Observe(200, 7, 5);
  EXPECT_EQ(seconds->of(1, 1).total(), 1u);
  EXPECT_EQ(seconds->of(1, 4).total(), 1u);
  EXPECT_EQ(seconds->of(0, 0).total(), 2u);
  EXPECT_EQ(seconds->total(), 4u);
}

class ExemplarsTest : public testing::Test {
 protected:
  Exemplars exemplars_;
};

TEST_F(ExemplarsTest, TheLastOfEachClassAndBucketIsKept) {
  const Exemplar slow{.part = 3, .duration = 2 * sys::kSecond, .at = 17, .id = "slow"};
  const Exemplar next{.part = 1, .duration = 2 * sys::kSecond + 1, .at = 18, .id = std::string(64, 'n')};
  const std::size_t bucket = DurationHistogram::BucketOf(slow.duration);
  EXPECT_EQ(exemplars_.Last(1, bucket), std::nullopt);
  exemplars_.Note(2, slow);
  EXPECT_EQ(exemplars_.Last(1, bucket), slow);
  EXPECT_EQ(exemplars_.Last(4, bucket), std::nullopt);
  EXPECT_EQ(exemplars_.Last(1, bucket - 1), std::nullopt);
  exemplars_.Note(2, next);
  EXPECT_EQ(exemplars_.Last(1, bucket), next);
  exemplars_.Note(2, slow);
  EXPECT_EQ(exemplars_.Last(1, bucket), slow) << "nothing of a longer id is left";
}

TEST_F(ExemplarsTest, WhatHasNoIdOrTooLongAOneIsNotKept) {
  exemplars_.Note(2, {.duration = 5, .id = ""});
  exemplars_.Note(2, {.duration = 5, .id = std::string(65, 'x')});
  EXPECT_EQ(exemplars_.Last(1, 0), std::nullopt);
}

// A writer that dies after any of its words: what it leaves is the exemplar before or none, never a mixture.
TEST_F(ExemplarsTest, AHalfWrittenOneIsNone) {
  const Exemplar before{.part = 1, .duration = 5, .at = 1, .id = "before"};
  const Exemplar after{.part = 2, .duration = 6, .at = 2, .id = "after"};
  const auto old_one = std::make_unique<Exemplars>();
  const auto new_one = std::make_unique<Exemplars>();
  old_one->Note(2, before);
  new_one->Note(2, after);
  constexpr std::size_t kWords = sizeof(Exemplars) / sizeof(std::uint64_t);
  auto* const from = reinterpret_cast<std::atomic<std::uint64_t>*>(new_one.get());
  auto* const to = reinterpret_cast<std::atomic<std::uint64_t>*>(old_one.get());
  bool differs = false;
  for (std::size_t i = 0; i < kWords; ++i) {
    differs = differs || from[i] != to[i];
    to[i] = from[i].load();
    const auto seen = old_one->Last(1, 0);
    EXPECT_TRUE(!seen || *seen == after || (!differs && *seen == before)) << i;
  }
  EXPECT_EQ(old_one->Last(1, 0), after);
}

}  // namespace
}  // namespace hydrapool
