#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "pool/sys/clock.h"

/// Writes HTTP/1.1 responses (RFC 9110, RFC 9112) as bytes. Pure, but for DateCache. What the
/// caller puts into a field (content_type, extra) is sent as it is: it holds no stray CR or LF, which is the
/// caller's promise.
namespace hydrapool::http {

/// "Not Found" for 404; "Unknown" for a status that is not registered with IANA.
std::string_view ReasonPhrase(int status);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110, section 5.6.7), whatever the locale. It changes
/// once a second: keep it.
std::string HttpDate(std::time_t seconds_since_epoch);

/// The date of about now, made again once a second. For one thread.
class DateCache {
 public:
  /// `now` is the caller's monotonic clock. Valid until the next call.
  std::string_view At(sys::Nanos now);

 private:
  std::string date_;
  sys::Nanos made_at_ = 0;
};

struct ResponseHead {
  int status = 200;
  std::string_view reason = {};  ///< empty: the status' own
  bool keep_alive = true;
  int minor_version =
      1;  ///< of the request; the status line says HTTP/1.1 in any case (RFC 9112, section 2.3)

  /// How the body is framed: one of the two, or neither where the status allows no body (1xx, 204, 304).
  /// `chunked` only for a client of HTTP/1.1.
  std::optional<std::uint64_t> content_length = {};
  bool chunked = false;

  std::string_view content_type = {};  ///< empty: no such field
  std::string_view date = {};          ///< HttpDate of about now; empty: no such field
  std::string_view extra = {};         ///< whole lines, "K: V\r\n" each
};

/// Appends the status line, the fields and the empty line. Connection is written only where the version's
/// default is not meant: "close" to 1.1, "keep-alive" to 1.0.
void AppendHead(std::string& out, const ResponseHead& head);

/// A whole response whose body is one line of text: "404 Not Found: DETAIL\n". To a HEAD request without the
/// body. `extra`: as in ResponseHead.
std::string ErrorResponse(int status, bool keep_alive, bool head_request, std::string_view detail,
                          std::string_view date = {}, int minor_version = 1, std::string_view extra = {});

/// The interim response that `Expect: 100-continue` asks for.
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// A chunk is AppendChunkHeader, then `size` bytes (at least one), then kChunkEnd; after the last one comes
/// kLastChunk.
void AppendChunkHeader(std::string& out, std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace hydrapool::http
