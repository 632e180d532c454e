#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pool/http/limits.h"
#include "pool/http/refusal.h"
#include "pool/http/request.h"

namespace hydrapool::http {

/// Reads the head of an HTTP/1.1 or 1.0 request; knows bytes, not sockets.
///
///     http::RequestParser parser;                       // one for each worker
///     auto parsed = parser.Parse(peeked);
///     if (auto* request = std::get_if<const http::Request*>(&parsed)) ...
///
/// Three layers, each of which must agree: our scan of the raw bytes (head_scanner.h), Boost.Beast's
/// basic_parser, which splits the head, and our rules for what it says (request_rules.h). Statuses of a
/// Refusal: 400, 414, 417, 431, 501, 505. 411 and 413 are for the handler, who knows which bodies it takes.
///
/// Each call begins at the first byte given, so one parser serves any number of connections in any
/// order; bytes after the head are not looked at. NeedMore means: call again with the same bytes and more. A
/// head given whole and the same head given prefix by prefix come to the same end; a refusal may come before
/// the head is whole.
///
/// Memory for fields is taken once, in the constructor; Parse allocates nothing, but for a target like
/// "http://host?query". Not for several threads. Sources: RFC 9110, RFC 9112.
class RequestParser {
 public:
  explicit RequestParser(Limits limits = {});
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// The Request is the parser's own and stays until the next Parse; what it points to: see request.h.
  std::variant<NeedMore, const Request*, Refusal> Parse(std::string_view bytes);

 private:
  Limits limits_;
  std::vector<Field> fields_;
  std::string spare_head_;  ///< of a later version than Beast's parser knows
  std::string spare_target_;
  Request request_;
};

}  // namespace hydrapool::http
