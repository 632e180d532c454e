#include "pool/http/chunked_decoder.h"

#include <gtest/gtest.h>

#include <vector>

namespace hydrapool::http {
namespace {

using State = ChunkedDecoder::State;

struct Outcome {
  State state;
  std::size_t consumed;
  std::string body;
  bool operator==(const Outcome&) const = default;
};

Outcome Decode(std::string_view bytes, std::size_t step = std::string_view::npos,
               ChunkedDecoder::Limits limits = {}) {
  ChunkedDecoder decoder(limits);
  Outcome outcome{State::kNeedMore, 0, {}};
  for (std::size_t at = 0; at < bytes.size() && outcome.state == State::kNeedMore; at += step) {
    const auto piece = bytes.substr(at, step);
    const auto [consumed, state] = decoder.Feed(piece, outcome.body);
    outcome.state = state;
    outcome.consumed += consumed;
    if (step == bytes.npos) break;
  }
  return outcome;
}

State StateOf(std::string_view bytes) { return Decode(bytes).state; }

TEST(ChunkedDecoderTest, TakesTheChunksOffAndStopsAtTheEnd) {
  const std::string_view bytes = "5\r\nhello\r\n00A;x=\"y\"\r\n, world...\r\n0\r\n\r\nGET /";
  const auto outcome = Decode(bytes);
  EXPECT_EQ(outcome.state, State::kDone);
  EXPECT_EQ(outcome.body, "hello, world...");
  EXPECT_EQ(bytes.substr(outcome.consumed), "GET /");
}

TEST(ChunkedDecoderTest, DataMayHoldAnything) {
  EXPECT_EQ(Decode("6\r\n\r\n0\r\n\n\r\n0\r\n\r\n").body, "\r\n0\r\n\n");
}

TEST(ChunkedDecoderTest, DropsTrailers) {
  EXPECT_EQ(StateOf("0\r\nX-Sum: 12\r\nY:\r\n\r\n"), State::kDone);
  EXPECT_EQ(StateOf("0\r\nX-Sum: 12\r\n"), State::kNeedMore);
}

TEST(ChunkedDecoderTest, RefusesWhatIsNotExact) {
  for (const char* bytes : {"\r\n",
                            "g\r\n",
                            "-1\r\n",
                            "+1\r\n",
                            "0x1\r\n",
                            " 1\r\n",
                            "1 \r\n",
                            "1\n",
                            "1\rx",
                            "1;a\n",
                            "1;\x01\r\n",
                            "1\r\nab",
                            "1\r\na\n",
                            "1\r\na\rx",
                            "1,2\r\n",
                            "0\r\n x\r\n",
                            "0\r\nA : b\r\n",
                            "0\r\nA\r\n",
                            "0\r\nA: b\n",
                            "0\r\nA: \x7f\r\n",
                            "0\r\n\rx",
                            "0\r\n\n",
                            "8000000000000000\r\n",
                            "10000000000000000\r\n",
                            "ffffffffffffffffff\r\n",
                            "00000000000000001\r\n"}) {
    EXPECT_EQ(StateOf(bytes), State::kBad) << bytes;
  }
  EXPECT_EQ(StateOf("7fffffffffffffff\r\n"), State::kNeedMore);
  EXPECT_EQ(StateOf("1 ; a\r\n"), State::kNeedMore);
}

TEST(ChunkedDecoderTest, LimitsExtensionsAndTrailersOverTheWholeBody) {
  const ChunkedDecoder::Limits limits{.max_extensions = 4, .max_trailers = 6};
  const auto state = [&](std::string_view bytes) {
    return Decode(bytes, std::string_view::npos, limits).state;
  };
  EXPECT_EQ(state("1;a\r\nx\r\n0;b\r\n\r\n"), State::kDone);
  EXPECT_EQ(state("1;a\r\nx\r\n0;bc\r\n\r\n"), State::kBad);
  EXPECT_EQ(state("0\r\nA: 1\r\n\r\n"), State::kDone);
  EXPECT_EQ(state("0\r\nA: 12\r\n\r\n"), State::kBad);
}

TEST(ChunkedDecoderTest, StaysAsItIsAfterTheEnd) {
  ChunkedDecoder done;
  std::string body;
  EXPECT_EQ(done.Feed("0\r\n\r\n", body).state, State::kDone);
  const auto [consumed, state] = done.Feed("1\r\na\r\n", body);
  EXPECT_EQ(consumed, 0u);
  EXPECT_EQ(state, State::kDone);
  EXPECT_EQ(body, "");
}

TEST(ChunkedDecoderTest, HowTheInputIsCutMakesNoDifference) {
  const std::vector<std::string> samples{"5\r\nhello\r\n1;q=\"a b\"\r\n!\r\n0\r\nX: y\r\n\r\nrest",
                                         "3\r\nabc\r\n2\r\nab!", "ffffffff\r\nsome",
                                         "1\r\n\n\r\n0;z\r\n\r\n"};
  for (const auto& sample : samples) {
    const auto whole = Decode(sample);
    for (std::size_t step = 1; step <= sample.size(); ++step)
      EXPECT_EQ(Decode(sample, step), whole) << sample;
  }
}

TEST(ChunkedDecoderTest, HandsOutViewsIntoTheInput) {
  const std::string bytes = "3\r\nabc\r\n";
  ChunkedDecoder decoder;
  std::vector<const char*> pieces;
  decoder.Feed(bytes, [&pieces](std::string_view data) { pieces.push_back(data.data()); });
  EXPECT_EQ(pieces, std::vector<const char*>{bytes.data() + 3});
}

}  // namespace
}  // namespace hydrapool::http
