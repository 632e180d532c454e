#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pool/http/response_reader.h"

namespace hydrapool::harness {

/// A whole HTTP/1.x response. `body` is valid until the parser is called again.
struct Answer {
  int status = 0;
  std::string_view body;
  bool last = false;  ///< It says "Connection: close", or is HTTP/1.0 and does not say "keep-alive": the
                      ///< server answers nothing after it.
};

/// Splits what one connection received into answers, whatever pieces it came in.
///
///     parser.Feed(bytes);
///     while (auto answer = parser.Next()) ...
///     if (parser.broken()) ...
///
/// They are read by pool/http/response_reader.h. An answer that is framed only by the connection's end breaks
/// the parser, as nobody could say whether it is whole, and so does anything that is no HTTP/1.x. After that
/// Next() yields nothing more. Not movable: the reader holds its address.
class AnswerParser {
 public:
  AnswerParser() { Reset(); }
  AnswerParser(const AnswerParser&) = delete;
  AnswerParser& operator=(const AnswerParser&) = delete;

  /// As new, for another connection.
  void Reset();
  void Feed(std::string_view bytes);
  [[nodiscard]] std::optional<Answer> Next();

  [[nodiscard]] bool broken() const { return broken_; }
  /// Bytes came that are not a whole answer.
  [[nodiscard]] bool mid_answer() const { return begun_ || at_ < buffer_.size(); }

 private:
  struct Body final : http::BodySink {
    void Begin(std::string_view) override { text.clear(); }
    void Feed(std::string_view bytes) override { text.append(bytes); }
    std::string text = {};
  };

  std::string buffer_;
  std::size_t at_ = 0;
  bool begun_ = false;  // the answer that is being read
  bool broken_ = false;
  Body body_;
  http::ResponseReader reader_{{}, &body_};
};

}  // namespace hydrapool::harness
