#include "loadgen/report/hdr_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/engine/load_run.h"
#include "loadgen/plan/base64.h"
#include "loadgen/stats/hdr_codec.h"

namespace hydrapool::loadgen {
namespace {

using sys::kSecond;
using ::testing::HasSubstr;

LatencyHistogram Of(std::initializer_list<std::int64_t> values) {
  LatencyHistogram histogram;
  for (const auto value : values) histogram.Record(value);
  return histogram;
}

LatencyHistogram Many() {
  LatencyHistogram histogram;
  for (std::int64_t value = 1; value < 4'000'000'000; value += 1 + value / 7) histogram.Record(value);
  return histogram;
}

TEST(Base64Test, AllLengthsGoThereAndBack) {
  EXPECT_EQ(ToBase64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(ToBase64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(ToBase64("foob"), "Zm9vYg==");
  for (const std::string text : {"", "f", "fo", "foo", "\xff\x01\x80"})
    EXPECT_EQ(FromBase64(ToBase64(text)), text);
  EXPECT_FALSE(FromBase64("abc"));
  EXPECT_FALSE(FromBase64("ab!="));
  EXPECT_FALSE(FromBase64("=abc"));
}

TEST(PackedHistogramTest, GoesThereAndBackExactly) {
  for (const auto& histogram : {LatencyHistogram(), Of({0}), Of({42, 42, 5'000'000}), Many()})
    EXPECT_EQ(PackedHistogram(histogram).Unpack(), histogram);
}

TEST(PackedHistogramTest, MergingIsRecordingBoth) {
  PackedHistogram packed(Of({1, 700, 700'001}));
  packed.Merge(PackedHistogram(Of({2, 700, 90'000'003})));
  EXPECT_EQ(packed.Unpack(), Of({1, 2, 700, 700, 700'001, 90'000'003}));
}

TEST(PackedCountsTest, WhatIsNoneIsRefused) {
  LatencyHistogram histogram;
  EXPECT_FALSE(UnpackCounts("\x80", histogram)) << "cut off";
  EXPECT_FALSE(UnpackCounts("\xff\xff\xff\x7f\x02", histogram)) << "too many zeros";
}

TEST(HdrCodecTest, ReadsAnotherImplementationsHistogram) {
  // One value, 42: what HdrHistogram's own tests in Go and JavaScript decode.
  const auto histogram = DecodeHdr("HISTFAAAAB542pNpmSzMwMDAxAABzFCaEUoz2X+AMIKZAEARAtM=");
  ASSERT_TRUE(histogram) << histogram.error().message;
  EXPECT_EQ(histogram->count(), 1u);
  EXPECT_EQ(histogram->ValueAtPercentile(50), 42);
}

TEST(HdrCodecTest, CountsGoThereAndBack) {
  const auto back = DecodeHdr(EncodeHdr(Many()));
  ASSERT_TRUE(back) << back.error().message;
  for (std::size_t i = 0; i < LatencyHistogram::kCounts; ++i) ASSERT_EQ(back->CountAt(i), Many().CountAt(i));
}

TEST(HdrCodecTest, OtherBucketsAndDamageAreRefused) {
  // Two digits, as its head says.
  const auto other = DecodeHdr("HISTFAAAACh4nJNpmSzMwMDAwQABTFCaEURcm7yEwf4DROArF1M1230WJgCDWQb1");
  ASSERT_FALSE(other);
  auto text = EncodeHdr(Of({1, 2, 3}));
  EXPECT_FALSE(DecodeHdr(text.substr(0, text.size() - 8)));
  EXPECT_FALSE(DecodeHdr("HIST"));
  EXPECT_FALSE(DecodeHdr(""));
}

RunResult TwoSeconds() {
  RunResult run{.start_unix_ms = 1'700'000'000'123, .duration = 2 * kSecond};
  run.series.Add(0, {.response = PackedHistogram(Of({1, 5000}))});
  run.series.Add(kSecond, {.response = PackedHistogram(Of({12'345}))});
  run.tally.workers["0 a,b"].service = Of({99});
  return run;
}

TEST(HdrLogTest, GoesThereAndBack) {
  const auto log = HdrLogOf(TwoSeconds());
  const auto text = HdrText(log);
  EXPECT_THAT(text, HasSubstr("#[StartTime: 1700000000.123 (seconds since epoch), 2023-11-14T22:13:20Z]\n"));
  EXPECT_THAT(text, HasSubstr("\n1.000,1.000,12.345,HISTFAAA"));
  EXPECT_THAT(text, HasSubstr("\nTag=worker-0_a_b,0.000,2.000,0.099,HISTFAAA"));
  const auto back = ParseHdrLog(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->start_unix_ms, log.start_unix_ms);
  ASSERT_EQ(back->intervals.size(), 3u);
  EXPECT_EQ(back->intervals[1].begin, kSecond);
  EXPECT_EQ(back->intervals[1].histogram.Unpack().max(), 12'345) << "exact, from the line";
  EXPECT_EQ(back->intervals[2].tag, "worker-0_a_b");
}

TEST(HdrLogTest, TheErrorNamesTheLine) {
  const auto log = ParseHdrLog("#[x]\n\"StartTimestamp\"\n0.0,1.0,2.0,HISTnonsense\n");
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message, HasSubstr("line 3: not a compressed V2 histogram"));
  EXPECT_FALSE(ParseHdrLog("what is this"));
}

TEST(HgrmTest, AnEmptyHistogramHasNoRows) {
  EXPECT_THAT(HgrmText({}), HasSubstr("Total count    =            0"));
}

}  // namespace
}  // namespace hydrapool::loadgen
