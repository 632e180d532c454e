#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "pool/http/text.h"

namespace hydrapool::http {

enum class BodyKind {
  kNone,     ///< neither Content-Length nor Transfer-Encoding
  kLength,   ///< Content-Length, which may be 0
  kChunked,  ///< Transfer-Encoding: chunked (see chunked_decoder.h)
};

/// A header field as sent, white space around the value removed. The value may be empty, and may hold bytes
/// past 0x7f.
struct Field {
  std::string_view name, value;
};

/// The head of a request that passed every check in request_parser.h. All views point into the bytes that
/// were parsed (or, of an absolute-form without a path and of a version past 1.1, into the parser) and are
/// valid as long as those bytes stay where they are and until the parser's next Parse.
///
/// Nothing is decoded: `path` may hold `%2f`, `..`, `//` and malformed percent signs. The caller that maps it
/// to a file decodes and checks it.
struct Request {
  std::string_view method = {};
  /// "/path?query", or "*" (OPTIONS only). An absolute-form is reduced to this.
  std::string_view target = {};
  std::string_view path = {};   ///< of target, up to '?'
  std::string_view query = {};  ///< of target, after the first '?'
  bool has_query = false;       ///< "/x?" has an empty query, "/x" has none
  int minor_version = 1;        ///< HTTP/1.minor: 0 or 1, which later ones are taken for

  /// Of the target if that is absolute, else the Host field's value: a name or address and perhaps ":PORT".
  /// Empty only for HTTP/1.0 without Host.
  std::string_view host = {};

  bool keep_alive = false;       ///< what the client wants; the server may still close
  bool expect_continue = false;  ///< a body follows only after "100 Continue" or a while
  BodyKind body = BodyKind::kNone;
  std::uint64_t content_length = 0;  ///< kLength only; less than 2^63
  std::size_t head_size =
      0;  ///< from the first byte parsed to the first of the body (or of the next request)
  std::span<const Field> fields = {};

  /// The value of the first field of that name, in whatever case.
  [[nodiscard]] std::optional<std::string_view> Find(std::string_view name) const {
    for (const Field& field : fields) {
      if (EqualsIgnoringCase(field.name, name)) return field.value;
    }
    return std::nullopt;
  }
};

}  // namespace hydrapool::http
