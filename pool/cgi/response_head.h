#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "pool/http/refusal.h"
#include "pool/http/request.h"

namespace hydrapool::cgi {

/// The four answers of RFC 3875, section 6.2.
enum class ResponseKind {
  kDocument,        ///< send it; a Location beside a Status other than a redirect's is part of it
  kLocalRedirect,   ///< answer as if `location`, a path with perhaps a query, had been asked for (6.2.2)
  kClientRedirect,  ///< `status`, 302 unless given, to `location`; no body (6.2.3)
  kClientRedirectDocument,  ///< the same with a body (6.2.4)
};

/// The head of a CGI program's output. All views point into the bytes that were parsed.
struct ResponseHead {
  ResponseKind kind = ResponseKind::kDocument;
  int status = 200;
  std::string_view reason;                      ///< as the program gave it after its status; mostly empty
  std::string_view content_type;                ///< empty: none
  std::string_view location;                    ///< empty: none
  std::optional<std::uint64_t> content_length;  ///< what the program promises; it may break its word
  bool chunked = false;                         ///< the body is coded in chunks (RFC 9112, section 7.1)
  std::vector<http::Field> fields;              ///< all others that may be forwarded, in their order
  std::size_t head_size = 0;                    ///< from the first byte to the first of the body
};

/// The output cannot be an answer: 502. `why` is a literal, one phrase for the log.
struct Malformed {
  std::string_view why;
};

/// Whether a document may do without Content-Type.
enum class HeadReading : std::uint8_t { kLenient, kStrict };

inline constexpr std::size_t kMaxResponseHead = 64 * 1024;

/// Parses what a CGI program has written so far (RFC 3875, section 6). Give it all from the first byte, again
/// whenever there is more. A pure function; it never looks past the head. A fault is seen at the end of the
/// line it is in, so a program that writes something else than a head is refused at once.
///
/// - Lines end with LF or CRLF, in any mixture. A CR elsewhere, NUL and other control characters but tab are
///   refused: what is forwarded cannot split a response. So are continuation lines and white space before
///   the colon.
/// - Content-Type, Location and Status come at most once. A head of none of them is a document's, as Apache
///   and lighttpd take it; with HeadReading::kStrict it is refused (section 6.2), and so is an empty
///   Content-Type, which is none otherwise.
/// - Status: 200 to 599. Without one it is 200, or 302 beside a Location.
/// - A status line of HTTP in place of the first field is a Status, as lighttpd takes it, but with
///   HeadReading::kStrict.
/// - A Location that begins with a single '/', holds a path (no '\') and perhaps a query (no '#', no blanks)
///   and comes without a Status and Set-Cookie, which would be lost, is a local redirect; any other Location
///   without a Status, or with one from 300 to 399, is a client's.
/// - Content-Length: digits, and repeated only with the same value. The body's framing is the server's
///   matter, so neither it nor Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding and
///   Upgrade are in `fields`.
/// - Transfer-Encoding: "chunked" once, or "identity", which says nothing.
/// - More than kMaxResponseHead bytes without its end: refused.
///
/// NeedMore at the end of the output means that the program said too little: 502 as well.
[[nodiscard]] std::variant<http::NeedMore, ResponseHead, Malformed> ParseResponseHead(
    std::string_view so_far, HeadReading reading = HeadReading::kLenient);

/// The status of a program whose output is an HTTP response as it is (RFC 3875, section 5: nph-): 200 of
/// "HTTP/1.1 200 OK". Looks at the first 12 bytes.
[[nodiscard]] std::variant<http::NeedMore, int, Malformed> ParseRawStatus(std::string_view so_far);

}  // namespace hydrapool::cgi
