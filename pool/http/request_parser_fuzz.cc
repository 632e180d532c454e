#include "pool/http/request_parser.h"

#include <cstdint>
#include <cstdlib>
#include <functional>

namespace {

using Parsed =
    std::variant<hydrapool::http::NeedMore, const hydrapool::http::Request*, hydrapool::http::Refusal>;

void Require(bool truth) {
  if (!truth) std::abort();
}

bool Inside(std::string_view view, std::string_view bytes) {
  if (view.empty()) return true;
  const std::less_equal<const char*> not_after;
  return not_after(bytes.data(), view.data()) &&
         not_after(view.data() + view.size(), bytes.data() + bytes.size());
}

struct Verdict {
  int status;
  std::size_t head_size;
  bool operator==(const Verdict&) const = default;
};

Verdict Read(const Parsed& parsed) {
  if (const auto* refusal = std::get_if<hydrapool::http::Refusal>(&parsed)) return {refusal->status, 0};
  if (const auto* request = std::get_if<const hydrapool::http::Request*>(&parsed))
    return {200, (*request)->head_size};
  return {100, 0};
}

void CheckRequest(const hydrapool::http::Request& request, std::string_view bytes) {
  Require(request.head_size >= 4 && request.head_size <= bytes.size());
  const auto head = bytes.substr(0, request.head_size);
  Require(head.ends_with("\r\n\r\n"));
  Require(head.find('\0') == head.npos);
  Require(!request.method.empty() && Inside(request.method, head));
  Require(Inside(request.host, head) && (request.minor_version == 0 || !request.host.empty()));
  Require(request.target == "*" || request.target.starts_with('/'));
  Require(request.target.find_first_of("# \t\r\n") == request.target.npos);
  Require(Inside(request.target, head) || request.target.starts_with("/?") || request.target == "/");
  Require(request.path.size() + request.query.size() + (request.has_query ? 1 : 0) == request.target.size());
  for (const auto& [name, value] : request.fields) {
    Require(!name.empty() && Inside(name, head) && Inside(value, head));
    Require(value.find_first_of("\r\n") == value.npos);
    Require(name.find_first_of(" \t:") == name.npos);
  }
  if (request.body != hydrapool::http::BodyKind::kLength) Require(request.content_length == 0);
  Require(request.content_length <= INT64_MAX);
}

}  // namespace

/// What is said of a prefix is NeedMore or what is said of the whole; a Request keeps what request.h
/// promises.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static hydrapool::http::RequestParser parser({.max_head = 512, .max_target = 64, .max_fields = 8});
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto parsed = parser.Parse(bytes);
  const Verdict whole = Read(parsed);
  if (const auto* request = std::get_if<const hydrapool::http::Request*>(&parsed))
    CheckRequest(**request, bytes);

  bool decided = false;
  for (std::size_t length = 0; length <= size && length <= 600; ++length) {
    const Verdict verdict = Read(parser.Parse(bytes.substr(0, length)));
    decided = decided || verdict.status != 100;
    Require(verdict == (decided ? whole : Verdict{100, 0}));
  }
  return 0;
}
