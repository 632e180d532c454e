#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hydrapool::http {

/// Takes the chunks off a body with `Transfer-Encoding: chunked` (RFC 9112, section 7.1), however it is cut
/// into pieces.
///
///     http::ChunkedDecoder decoder;
///     auto [consumed, state] = decoder.Feed(bytes, body);   // appends to the string `body`
///     if (state == http::ChunkedDecoder::State::kDone) ...  // bytes.substr(consumed) is the next request
///
///   kNeedMore → … → kDone | kBad
///
/// Strict: CRLF and nothing else, sizes of at most 16 hex digits and less than 2^63, blanks only before a
/// ';', no control characters. Chunk extensions and trailers are checked for form, limited in their sum over
/// the body, and dropped. A body costs at most its bytes: what it may amount to is the caller's limit, who
/// sees every piece.
///
/// kBad is for good: answer 400 and close. Fed again after kDone or kBad it consumes nothing and says the
/// same. What comes out does not depend on how the input was cut. Allocates nothing itself. Plain data: a
/// copy goes on where the original stood, in another process too. Not for several threads.
class ChunkedDecoder {
 public:
  enum class State : std::uint8_t { kNeedMore, kDone, kBad };

  struct Limits {
    std::uint32_t max_extensions = 16 * 1024;  ///< bytes between a size and its CRLF, over the whole body
    std::uint32_t max_trailers = 8 * 1024;     ///< bytes of trailer fields, their line ends included
  };

  struct Progress {
    std::size_t consumed;
    State state;
  };

  ChunkedDecoder() = default;
  explicit ChunkedDecoder(Limits limits) : limits_(limits) {}

  /// Calls sink(std::string_view) for each piece of data; the pieces are views into `bytes`.
  template <typename Sink>
  Progress Feed(std::string_view bytes, Sink&& sink) {
    std::size_t consumed = 0;
    for (;;) {
      const Piece piece = Next(bytes.substr(consumed));
      consumed += piece.consumed;
      if (piece.data.empty()) return {consumed, piece.state};
      sink(piece.data);
    }
  }

  [[nodiscard]] bool done() const { return at_ == At::kDone; }

  /// Appends the data to `out`.
  Progress Feed(std::string_view bytes, std::string& out) {
    return Feed(bytes, [&out](std::string_view data) { out.append(data); });
  }

  /// One step: as much as can be consumed up to the end of the first piece of data. `data` empty: nothing
  /// more can be had from these bytes.
  struct Piece {
    std::size_t consumed;
    std::string_view data;
    State state;
  };
  Piece Next(std::string_view bytes);

 private:
  enum class At : std::uint8_t {
    kSizeFirst,
    kSize,
    kBeforeExtension,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kLine,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kEndLf,
    kDone,
    kBad,
  };
  [[nodiscard]] At Take(char c);
  [[nodiscard]] At AfterSize(char c);
  [[nodiscard]] At TakeDigit(char c);
  [[nodiscard]] At Extended(At next);
  [[nodiscard]] At Trailed(At next);

  Limits limits_;
  std::uint64_t left_ = 0;  // of the chunk whose size was read
  std::uint32_t extensions_ = 0;
  std::uint32_t trailers_ = 0;
  At at_ = At::kSizeFirst;
  std::uint8_t digits_ = 0;
};

}  // namespace hydrapool::http
