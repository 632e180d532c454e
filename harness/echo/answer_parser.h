#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hydrapool::harness {

/// A whole HTTP/1.x response. `body` is valid until the parser is fed again.
struct Answer {
  int status = 0;
  std::string_view body;
  bool last = false;  ///< It says "Connection: close", or is HTTP/1.0 and does not say "keep-alive": the server
                      ///< answers nothing after it.
};

/// Splits what one connection received into answers (RFC 9112, section 6.3), whatever pieces it came in.
///
///     parser.Feed(bytes);
///     while (auto answer = parser.Next()) ...
///     if (parser.broken()) ...
///
/// Headers may be any; interim answers (1xx) are skipped. An answer is framed by Content-Length or by chunks,
/// which are taken off: one that is framed only by the connection's end, unless its status has no body,
/// breaks the parser, as does anything that is no HTTP/1.x. After that Next() yields nothing more.
class AnswerParser {
 public:
  void Feed(std::string_view bytes);
  [[nodiscard]] std::optional<Answer> Next();

  [[nodiscard]] bool broken() const { return broken_; }
  /// Bytes are left that are not a whole answer.
  [[nodiscard]] bool mid_answer() const { return at_ < buffer_.size(); }

 private:
  struct Head {
    int status = 0;
    std::size_t size = 0;
    std::size_t body = 0;
    bool chunked = false;
    bool last = false;
  };
  [[nodiscard]] std::optional<Head> ReadHead();
  /// The size of a chunked body on the wire, once it is whole; its bytes are then in chunks_.
  [[nodiscard]] std::optional<std::size_t> ReadChunks(std::string_view rest);
  std::nullopt_t Broken();

  std::string buffer_;
  std::string chunks_;
  std::size_t at_ = 0;
  bool broken_ = false;
};

}  // namespace hydrapool::harness
