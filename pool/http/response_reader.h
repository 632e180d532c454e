#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pool/http/response_head_reader.h"

namespace hydrapool::http {

/// Sees a response's body as it passes, without its chunks.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// The final response's head is over; `content_coding` is its Content-Encoding.
  virtual void Begin(std::string_view content_coding) = 0;
  virtual void Feed(std::string_view bytes) = 0;
};

/// For clients: reads one HTTP/1.x response after another from bytes as they arrive, and tells where each
/// ends.
///
///     reader.Begin(false);
///     while (receive(bytes)) {
///       const auto used = reader.Feed(bytes);     // bytes.substr(used) is behind the end of the response
///       if (reader.done() || reader.malformed()) break;
///     }
///     if (closed && !reader.done()) reader.Close();  // done() now, if the close is what ends the body
///
/// Fed one byte at a time it comes to the same as fed whole. Interim responses (1xx) are skipped. Framing is
/// that of RFC 9112, section 6.3; what could be read in two ways is malformed (response_head_reader.h). What
/// stands behind a response is not part of it, whether its head announced a body it cannot have (204, 304,
/// HEAD) or not.
///
/// Memory is bounded (response_head_reader.h), and none is allocated for a response once the buffers have
/// grown to what the server sends. Not for several threads.
class ResponseReader {
 public:
  /// `kept_name`: the header whose value `kept()` is; empty for none. It must outlive the reader.
  /// `sink`, where not null, is given the bodies; it too must outlive the reader.
  explicit ResponseReader(std::string_view kept_name, BodySink* sink = nullptr)
      : head_(kept_name), sink_(sink) {}

  /// The next response; `to_head`: it answers HEAD and has no body whatever it says.
  void Begin(bool to_head);
  /// Returns how many of the bytes belong to this response: fewer than all only where it is over.
  std::size_t Feed(std::string_view bytes);
  /// No more bytes will come.
  void Close();

  [[nodiscard]] bool done() const { return stage_ == Stage::kDone; }
  [[nodiscard]] bool malformed() const { return stage_ == Stage::kMalformed; }
  /// Why it is that.
  [[nodiscard]] std::string_view wrong() const { return wrong_; }
  /// The first line was whole.
  [[nodiscard]] bool began() const { return head_.began(); }
  /// The body has no framing but the connection's end, which is no proof that it is whole.
  [[nodiscard]] bool until_close() const { return stage_ == Stage::kUntilClose; }
  /// Of the final response, 0 before its first line.
  [[nodiscard]] int status() const { return head_.status(); }
  /// Whether the connection may carry another request.
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] std::uint64_t head_bytes() const { return head_.bytes(); }
  /// Of the decoded body.
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }
  [[nodiscard]] std::string_view kept() const { return head_.kept(); }

 private:
  enum class Stage { kHead, kBody, kChunkSize, kChunk, kChunkEnd, kTrailer, kUntilClose, kDone, kMalformed };

  std::size_t FeedLine(std::string_view bytes);
  std::size_t FeedBody(std::string_view bytes);
  Stage OnLine(std::string_view line);
  Stage OnHeadEnd();
  Stage OnChunkSize(std::string_view bytes);
  Stage Malformed(std::string_view why);

  ResponseHeadReader head_;
  BodySink* sink_;
  std::string partial_;
  std::string_view wrong_;
  Stage stage_ = Stage::kDone;
  bool to_head_ = false;
  bool keep_alive_ = false;
  std::uint64_t left_ = 0;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace hydrapool::http
