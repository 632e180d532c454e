#include "pool/http/chunked_decoder.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

struct Outcome {
  hydrapool::http::ChunkedDecoder::State state = hydrapool::http::ChunkedDecoder::State::kNeedMore;
  std::size_t consumed = 0;
  std::string body;
  bool operator==(const Outcome&) const = default;
};

Outcome Decode(std::string_view bytes, std::size_t step) {
  hydrapool::http::ChunkedDecoder decoder({.max_extensions = 16, .max_trailers = 32});
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto [consumed, state] = decoder.Feed(bytes.substr(at, step), outcome.body);
    outcome.consumed += consumed;
    outcome.state = state;
    if (state != hydrapool::http::ChunkedDecoder::State::kNeedMore) break;
    if (consumed != std::min(step, bytes.size() - at)) std::abort();
  }
  return outcome;
}

}  // namespace

/// However the input is cut, the same comes out, and never more than went in.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = Decode(bytes, std::max<std::size_t>(size, 1));
  if (whole.consumed > size || whole.body.size() > whole.consumed) std::abort();
  for (const std::size_t step : {1u, 2u, 3u, 7u}) {
    if (Decode(bytes, step) != whole) std::abort();
  }
  return 0;
}
