#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hydrapool::http {

/// For clients: the heads of a response, interim ones (1xx) first, line by line: what they say of the body's
/// framing, and whether they can be read in one way only. All of the project's clients read heads with it
/// (loadgen's engines, the harness, the admin client), so that a server gets the same outcome from each. Only
/// the tests' own client (pool/testing/http_client.h) does not: it stands apart so that it can judge.
///
///     head.Begin();
///     for each line: if (!head.Take(line)) … head.wrong() says why;   if (head.complete()) … the body
///
/// Strict where RFC 9112 lets a client be so: malformed are a head with both Content-Length and
/// Transfer-Encoding, lengths that differ or are no number, a transfer coding other than one final `chunked`
/// (no other was asked for), folded lines, white space before a colon, a bare CR, a NUL, and 101 (not asked
/// for either). A bare LF ends a line, as section 2.2 allows.
///
/// A line has 64 KiB at most, all heads with the trailer 256 KiB. No memory is allocated once that of the
/// kept values has grown. Not for several threads.
class ResponseHeadReader {
 public:
  static constexpr std::size_t kLongestLine = 64 * 1024;
  static constexpr std::uint64_t kLongest = 256 * 1024;

  /// `kept_name`: the header whose value `kept()` is; empty for none. It must outlive this. `http2`: a
  /// status line may also be libcurl's for HTTP/2.
  explicit ResponseHeadReader(std::string_view kept_name, bool http2 = false)
      : kept_name_(kept_name), http2_(http2) {}

  void Begin();
  /// A line as it came, with its end. Behind the complete head: one of the trailer. False: malformed.
  bool Take(std::string_view line);
  /// For those who get a line in pieces: so many more bytes of one that has `line` so far. Take does not
  /// count them again. False: too long.
  bool Count(std::size_t bytes, std::size_t line);

  /// The final response's head is over.
  [[nodiscard]] bool complete() const { return stage_ == Stage::kComplete; }
  /// A first line was whole.
  [[nodiscard]] bool began() const { return began_; }
  /// Of the final response, 0 before its first line.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] bool chunked() const { return chunked_; }
  [[nodiscard]] std::optional<std::uint64_t> length() const { return length_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// The value of the header that is kept; the last one's, where there are several.
  [[nodiscard]] std::string_view kept() const { return kept_; }
  /// Content-Encoding; empty where there is none.
  [[nodiscard]] std::string_view content_coding() const { return content_coding_; }
  /// Why it is malformed; empty where it is not.
  [[nodiscard]] std::string_view wrong() const { return wrong_; }

 private:
  enum class Stage { kStatusLine, kField, kComplete };

  bool Wrong(std::string_view why);
  bool TakeStatusLine(std::string_view line);
  bool TakeField(std::string_view line);
  bool TakeField(std::string_view name, std::string_view value);
  bool TakeLength(std::string_view value);
  bool TakeCodings(std::string_view value);
  bool TakeEnd();

  std::string_view kept_name_;
  bool http2_;
  std::string kept_;
  std::string content_coding_;
  std::string_view wrong_;
  Stage stage_ = Stage::kStatusLine;
  bool began_ = false;
  bool keep_alive_ = false;
  bool chunked_ = false;
  int status_ = 0;
  std::optional<std::uint64_t> length_;
  std::uint64_t bytes_ = 0;
};

/// A line without its end; nullopt where it has a CR or a NUL within. Pure.
std::optional<std::string_view> LineOf(std::string_view bytes);

/// The number that `text` is, without sign or spaces, up to 2^63 - 1. Pure.
std::optional<std::uint64_t> NumberOf(std::string_view text, int base);

/// Without the blanks and tabs around it. Pure.
std::string_view WithoutBlanks(std::string_view text);

}  // namespace hydrapool::http
