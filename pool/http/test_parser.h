#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "pool/http/request_parser.h"

/// What a request parser says, as one number.
namespace hydrapool::http {

using Parsed = std::variant<NeedMore, const Request*, Refusal>;

inline const Request* AsRequest(const Parsed& parsed) {
  const auto* request = std::get_if<const Request*>(&parsed);
  return request == nullptr ? nullptr : *request;
}

/// The status of the refusal; 200 for a request, 100 for NeedMore.
inline int Status(const Parsed& parsed) {
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) return refusal->status;
  return AsRequest(parsed) != nullptr ? 200 : 100;
}

inline int StatusOf(std::string_view bytes, Limits limits = {}) {
  RequestParser parser(limits);
  return Status(parser.Parse(bytes));
}

/// A whole request of HTTP/1.1 with those field lines after Host.
inline int StatusWith(std::string_view lines) {
  return StatusOf("GET / HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n");
}

inline int StatusOfTarget(std::string_view target, std::string_view method = "GET") {
  return StatusOf(std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n");
}

}  // namespace hydrapool::http
