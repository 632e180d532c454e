#include "pool/files/conditions.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hydrapool::files {
namespace {

using Fields = std::vector<http::Field>;

constexpr std::time_t kModified = 784111777;
constexpr const char* kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr const char* kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";
const Validators kFile{.tag = "\"a,b\"", .modified = kModified};

/// 0: it holds.
int Of(const Fields& fields) {
  switch (Evaluate({.fields = fields}, kFile)) {
    case Condition::kHolds:
      return 0;
    case Condition::kNotModified:
      return 304;
    case Condition::kFails:
      return 412;
  }
  return -1;
}

TEST(HttpDateTest, HasThreeForms) {
  for (const auto* text : {kDate, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(ParseHttpDate(text), kModified) << text;
  for (const auto* text : {"", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ",
                           "Sun, 06 Nov 1994 08:49 GMT", "784111777"})
    EXPECT_FALSE(ParseHttpDate(text)) << text;
}

TEST(ConditionsTest, EachByItself) {
  EXPECT_EQ(Of({}), 0);
  EXPECT_EQ(Of({{"If-Match", "\"a,b\""}}), 0);
  EXPECT_EQ(Of({{"If-Match", "\"x\", \"a,b\""}}), 0);
  EXPECT_EQ(Of({{"If-Match", "\"x\""}, {"If-Match", "\"a,b\""}}), 0);
  EXPECT_EQ(Of({{"If-Match", "*"}}), 0);
  EXPECT_EQ(Of({{"If-Match", "\"x\""}}), 412);
  EXPECT_EQ(Of({{"If-Match", "W/\"a,b\""}}), 412) << "weak";
  EXPECT_EQ(Of({{"If-Match", "a,b"}}), 412) << "without quotes";
  EXPECT_EQ(Of({{"If-None-Match", "\"a,b\""}}), 304);
  EXPECT_EQ(Of({{"if-none-match", "W/\"a,b\""}}), 304);
  EXPECT_EQ(Of({{"If-None-Match", "*"}}), 304);
  EXPECT_EQ(Of({{"If-None-Match", "\"x\" ,, \"y\""}}), 0);
  EXPECT_EQ(Of({{"If-Modified-Since", kDate}}), 304);
  EXPECT_EQ(Of({{"If-Modified-Since", kAfter}}), 304);
  EXPECT_EQ(Of({{"If-Modified-Since", kBefore}}), 0);
  EXPECT_EQ(Of({{"If-Modified-Since", "yesterday"}}), 0);
  EXPECT_EQ(Of({{"If-Unmodified-Since", kDate}}), 0);
  EXPECT_EQ(Of({{"If-Unmodified-Since", kBefore}}), 412);
  EXPECT_EQ(Of({{"If-Unmodified-Since", "yesterday"}}), 0);
}

TEST(ConditionsTest, TagsComeBeforeDatesAndMatchBeforeNoneMatch) {
  EXPECT_EQ(Of({{"If-None-Match", "\"x\""}, {"If-Modified-Since", kDate}}), 0);
  EXPECT_EQ(Of({{"If-None-Match", "\"a,b\""}, {"If-Modified-Since", kBefore}}), 304);
  EXPECT_EQ(Of({{"If-Match", "\"a,b\""}, {"If-Unmodified-Since", kBefore}}), 0);
  EXPECT_EQ(Of({{"If-Match", "\"x\""}, {"If-None-Match", "\"a,b\""}}), 412);
  EXPECT_EQ(Of({{"If-Match", "\"a,b\""}, {"If-None-Match", "\"a,b\""}}), 304);
  EXPECT_EQ(Of({{"If-Unmodified-Since", kDate}, {"If-Modified-Since", kDate}}), 304);
}

TEST(IfRangeTest, NamesTheFileAsItIs) {
  const auto counts = [](const Fields& fields) { return RangeCounts({.fields = fields}, kFile); };
  EXPECT_TRUE(counts({}));
  EXPECT_TRUE(counts({{"If-Range", "\"a,b\""}}));
  EXPECT_TRUE(counts({{"If-Range", kDate}}));
  for (const auto* other : {"\"x\"", "W/\"a,b\"", kBefore, kAfter, "*", "nonsense", ""})
    EXPECT_FALSE(counts({{"If-Range", other}})) << other;
}

TEST(IfRangeTest, ADateCountsOfASettledFileAlone) {
  Validators file = kFile;
  file.settled = false;
  const auto counts = [&file](const Fields& fields) { return RangeCounts({.fields = fields}, file); };
  EXPECT_TRUE(counts({}));
  EXPECT_TRUE(counts({{"If-Range", "\"a,b\""}}));
  EXPECT_FALSE(counts({{"If-Range", kDate}})) << "it may change again within the same second";
}

std::string Ranges(std::string_view field, std::uint64_t size = 100) {
  const auto ranges = ParseRanges(field, size);
  if (!ranges) return "all";
  std::string text;
  for (const ByteRange& range : *ranges)
    text += std::to_string(range.at) + "+" + std::to_string(range.length) + " ";
  return text.empty() ? "none" : text;
}

TEST(RangesTest, AreThoseThatTheFileHas) {
  EXPECT_EQ(Ranges("bytes=0-0"), "0+1 ");
  EXPECT_EQ(Ranges("bytes=0-"), "0+100 ");
  EXPECT_EQ(Ranges("Bytes=99-99"), "99+1 ");
  EXPECT_EQ(Ranges("bytes=90-200"), "90+10 ");
  EXPECT_EQ(Ranges("bytes=-10"), "90+10 ");
  EXPECT_EQ(Ranges("bytes=-1000"), "0+100 ");
  EXPECT_EQ(Ranges("bytes=0-4, 10-14 ,,\t-5"), "0+5 10+5 95+5 ");
  EXPECT_EQ(Ranges("bytes=10-14,0-4"), "10+5 0+5 ");
  EXPECT_EQ(Ranges("bytes=0-4,100-"), "0+5 ");
  EXPECT_EQ(Ranges("bytes=0-99999999999999999999999"), "0+100 ");
  EXPECT_EQ(Ranges("bytes=5-5", 5), "none");
  EXPECT_EQ(Ranges("bytes=-0"), "none");
  EXPECT_EQ(Ranges("bytes=100-"), "none");
  EXPECT_EQ(Ranges("bytes=99999999999999999999999-"), "none");
  EXPECT_EQ(Ranges("bytes=0-", 0), "none");
  EXPECT_EQ(Ranges("bytes=-0", 0), "none");
  EXPECT_EQ(Ranges("bytes=-5", 0), "all") << "all of nothing is no part";
}

TEST(RangesTest, AreIgnoredWhereTheyAreMalformedOrTooMany) {
  for (const auto* field :
       {"", "bytes", "bytes=", "bytes=,", "lines=0-4", "bytes =0-4", "bytes=a-b", "bytes=4-0", "bytes=0",
        "bytes=-", "bytes=0-4,x", "bytes=0 -4", "bytes=--4", "bytes=0-4-", "bytes=+0-4", "0-4"})
    EXPECT_EQ(Ranges(field), "all") << field;
  EXPECT_EQ(Ranges("bytes=0-,0-"), "all") << "more bytes than there are";
  EXPECT_EQ(Ranges("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6"), "0+1 1+1 2+1 3+1 4+1 5+1 6+1 ");
  EXPECT_EQ(Ranges("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7"), "all");
}

TEST(AcceptsTest, GoesByQuality) {
  const auto accepts = [](const Fields& fields) { return Accepts({.fields = fields}, "gzip"); };
  EXPECT_FALSE(accepts({}));
  for (const auto* field :
       {"gzip", "br, GZIP", "*", "gzip;q=0.001", "gzip;eq=0", "deflate;q=1, gzip ; q=1.0"})
    EXPECT_TRUE(accepts({{"Accept-Encoding", field}})) << field;
  for (const auto* field : {"", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;Q=0", "gzip ; x=1 ; Q=0.0",
                            "gzip;q=0, *", "identity", "gzipx"})
    EXPECT_FALSE(accepts({{"Accept-Encoding", field}})) << field;
  EXPECT_TRUE(accepts({{"Accept-Encoding", "br"}, {"accept-encoding", "gzip"}}));
}

}  // namespace
}  // namespace hydrapool::files
