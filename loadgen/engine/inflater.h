#pragma once

#include <zlib.h>

#include <array>
#include <memory>
#include <string_view>

namespace hydrapool::loadgen {

/// Takes the Content-Encodings gzip and deflate (RFC 9110, section 8.4.1) off a body as it passes, in
/// constant memory. Deflate may come without its zlib format, as some servers have it.
///
///     inflater.Begin("deflate");
///     if (!inflater.Feed(bytes, take)) …     // it is not what it says
///     if (!inflater.whole()) …               // its end is missing
///
/// One thread's.
class Inflater {
 public:
  static bool Knows(std::string_view content_coding);

  /// One that it knows.
  void Begin(std::string_view content_coding);
  /// Calls take(decoded) for each piece. False: the bytes cannot be decoded.
  template <typename Take>
  bool Feed(std::string_view bytes, Take&& take) {
    Give(bytes);
    while (HasMore()) {
      const auto decoded = Next();
      if (broken_) return false;
      if (!decoded.empty()) take(decoded);
    }
    return true;
  }
  /// The body is over, or nothing of it came.
  [[nodiscard]] bool whole() const { return ended_ || !began_; }

 private:
  struct State {
    z_stream stream = {};
    std::array<char, 16 * 1024> out;
  };
  struct Free {
    void operator()(State* state) const {
      ::inflateEnd(&state->stream);
      delete state;
    }
  };

  void Give(std::string_view bytes);
  [[nodiscard]] bool HasMore() const;
  std::string_view Next();

  std::unique_ptr<State, Free> state_;  // once it was needed
  bool may_be_bare_ = false;            // deflate without the zlib format
  bool began_ = false;
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace hydrapool::loadgen
