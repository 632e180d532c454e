#include "pool/http/chunked_decoder.h"

#include <algorithm>

#include "pool/http/text.h"

namespace hydrapool::http {
namespace {

constexpr int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = ToLower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

}  // namespace

ChunkedDecoder::Piece ChunkedDecoder::Next(std::string_view bytes) {
  std::size_t used = 0;
  while (at_ != At::kDone && at_ != At::kBad && used < bytes.size()) {
    if (at_ == At::kData) {
      const auto data = bytes.substr(used, std::min<std::uint64_t>(left_, bytes.size() - used));
      left_ -= data.size();
      if (left_ == 0) at_ = At::kDataCr;
      return {used + data.size(), data, State::kNeedMore};
    }
    at_ = Take(bytes[used]);
    if (at_ != At::kBad) ++used;
  }
  const State state = at_ == At::kDone ? State::kDone : at_ == At::kBad ? State::kBad : State::kNeedMore;
  return {used, {}, state};
}

ChunkedDecoder::At ChunkedDecoder::Take(char c) {
  switch (at_) {
    case At::kSizeFirst:
      left_ = 0;
      digits_ = 0;
      return TakeDigit(c);
    case At::kSize:
      return HexValue(c) >= 0 ? TakeDigit(c) : AfterSize(c);
    case At::kBeforeExtension:
      return c == '\r' ? At::kBad : AfterSize(c);
    case At::kExtension:
      if (c == '\r') return At::kSizeLf;
      return Is(kValueChar, c) ? Extended(At::kExtension) : At::kBad;
    case At::kSizeLf:
      if (c != '\n') return At::kBad;
      return left_ == 0 ? At::kLine : At::kData;
    case At::kDataCr:
      return c == '\r' ? At::kDataLf : At::kBad;
    case At::kDataLf:
      return c == '\n' ? At::kSizeFirst : At::kBad;
    case At::kLine:
      if (c == '\r') return At::kEndLf;
      return Is(kTokenChar, c) ? Trailed(At::kTrailerName) : At::kBad;
    case At::kTrailerName:
      if (c == ':') return Trailed(At::kTrailerValue);
      return Is(kTokenChar, c) ? Trailed(At::kTrailerName) : At::kBad;
    case At::kTrailerValue:
      if (c == '\r') return Trailed(At::kTrailerLf);
      return Is(kValueChar, c) ? Trailed(At::kTrailerValue) : At::kBad;
    case At::kTrailerLf:
      return c == '\n' ? Trailed(At::kLine) : At::kBad;
    case At::kEndLf:
      return c == '\n' ? At::kDone : At::kBad;
    case At::kData:
    case At::kDone:
    case At::kBad:
      break;
  }
  return At::kBad;
}

ChunkedDecoder::At ChunkedDecoder::TakeDigit(char c) {
  const int digit = HexValue(c);
  if (digit < 0 || ++digits_ > 16 || left_ > (INT64_MAX >> 4)) return At::kBad;
  left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
  return At::kSize;
}

ChunkedDecoder::At ChunkedDecoder::AfterSize(char c) {
  if (c == '\r') return At::kSizeLf;
  if (c == ';') return Extended(At::kExtension);
  if (c == ' ' || c == '\t') return Extended(At::kBeforeExtension);
  return At::kBad;
}

ChunkedDecoder::At ChunkedDecoder::Extended(At next) {
  return ++extensions_ > limits_.max_extensions ? At::kBad : next;
}

ChunkedDecoder::At ChunkedDecoder::Trailed(At next) {
  return ++trailers_ > limits_.max_trailers ? At::kBad : next;
}

}  // namespace hydrapool::http
