#include "loadgen/engine/body_check.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace hydrapool::loadgen {
namespace {

constexpr const char* kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

bool Passes(const Plan& plan, std::string_view body, std::string_view coding = {}) {
  BodyCheck check(plan);
  bool passed = true;
  for (std::size_t piece = 1; piece <= body.size() + 1; ++piece) {
    check.Begin(coding);
    for (std::size_t at = 0; at < body.size(); at += piece) check.Feed(body.substr(at, piece));
    passed = check.Passed() && passed;
  }
  return passed;
}

TEST(BodyCheckTest, Sha256) {
  EXPECT_TRUE(Passes({.expect = {.sha256 = kOfAbc}}, "abc"));
  EXPECT_FALSE(Passes({.expect = {.sha256 = kOfAbc}}, "abd"));
  EXPECT_FALSE(Passes({.expect = {.sha256 = kOfAbc}}, ""));
}

TEST(BodyCheckTest, TheEndInHoweverManyPieces) {
  EXPECT_TRUE(Passes({.expect = {.end = "</html>\n"}}, "<html>…</html>\n"));
  EXPECT_FALSE(Passes({.expect = {.end = "</html>\n"}}, "<html>…</html>"));
  EXPECT_FALSE(Passes({.expect = {.end = "longer"}}, "nger"));
  EXPECT_FALSE(Passes({.expect = {.sha256 = kOfAbc, .end = "x"}}, "abc"));
}

TEST(BodyCheckTest, NothingExpectedNothingDone) {
  const Plan plan;
  EXPECT_FALSE(BodyCheck(plan).needed());
  EXPECT_TRUE(BodyCheck(plan).Passed());
}

std::string Zipped(std::string_view text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string zipped(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(zipped.data());
  stream.avail_out = static_cast<uInt>(zipped.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  zipped.resize(stream.total_out);
  ::deflateEnd(&stream);
  return zipped;
}

TEST(BodyCheckTest, ContentEncodingsAreTakenOff) {
  constexpr int kZlib = 15;
  constexpr int kGzip = 15 + 16;
  const std::string text = std::string(100'000, 'x') + "bye";
  const Plan plan{.expect = {.end = "xbye"}};
  EXPECT_TRUE(Passes(plan, Zipped(text, kGzip), "gzip"));
  EXPECT_TRUE(Passes(plan, Zipped(text, kZlib), "Deflate"));
  EXPECT_TRUE(Passes(plan, Zipped(text, -kZlib), "deflate")) << "without the zlib format";
  EXPECT_FALSE(Passes(plan, Zipped(text, -kZlib), "gzip"));
  EXPECT_FALSE(Passes(plan, text, "deflate"));
  EXPECT_TRUE(Passes(plan, Zipped("a", kGzip) + Zipped(text, kGzip), "x-gzip"));
  EXPECT_TRUE(Passes(plan, text, "identity"));
  EXPECT_FALSE(Passes(plan, Zipped(text, kGzip)));
  EXPECT_FALSE(Passes(plan, text, "gzip"));
  EXPECT_FALSE(Passes(plan, text, "br")) << "which nobody here can read";
  const auto whole = Zipped("xbye", kGzip);
  EXPECT_FALSE(Passes(plan, whole.substr(0, whole.size() - 1), "gzip")) << "its checksum is cut";
}

TEST(BodyCheckTest, TheLengthIsThatOfTheDecodedBody) {
  const Plan plan{.expect = {.length = 100'000}};
  BodyCheck check(plan);
  ASSERT_TRUE(check.needed());
  check.Begin("gzip");
  check.Feed(Zipped(std::string(100'000, 'x'), 15 + 16));
  EXPECT_TRUE(check.Passed());
  EXPECT_EQ(check.length(), 100'000u);
}

}  // namespace
}  // namespace hydrapool::loadgen
