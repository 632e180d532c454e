#include "pool/cgi/answer_head.h"

#include <fmt/format.h>

#include "pool/http/response_writer.h"

namespace hydrapool::cgi {
namespace {

/// Browsers read a backslash as a slash and skip tabs: a program's "/\host" would lead them to another host.
std::string AsPath(std::string_view location) {
  std::string path;
  for (const char c : location) path += c == '\\' ? "%5C" : c == '\t' ? "%09" : std::string(1, c);
  return path;
}

std::string LocationLine(std::string_view location) {
  const bool is_path = location.starts_with('/') && !location.starts_with("//");
  return fmt::format("Location: {}\r\n", is_path ? AsPath(location) : std::string(location));
}

}  // namespace

int StatusOf(const ResponseHead& head) {
  return head.kind == ResponseKind::kLocalRedirect ? 302 : head.status;
}

std::string AnswerHead(const ResponseHead& head, const AnswerFrame& frame) {
  std::string extra(frame.extra_lines);
  std::string_view date = frame.date;
  for (const http::Field& field : head.fields) {
    if (http::EqualsIgnoringCase(field.name, "Server")) continue;
    if (http::EqualsIgnoringCase(field.name, "Date")) date = {};
    extra += fmt::format("{}: {}\r\n", field.name, field.value);
  }
  if (!head.location.empty()) extra += LocationLine(head.location);
  // To a client of HTTP/1.0 it goes without saying, but not to what stands between.
  if (frame.to_the_end && !frame.http_1_1) extra += "Connection: close\r\n";
  const bool bodyless = IsBodyless(head.status);
  // A 205 says that there is no body; with 204 and 304 it goes without saying.
  const auto none = head.status == 205 ? std::optional<std::uint64_t>(0) : std::nullopt;
  std::string out;
  http::AppendHead(out, {.status = StatusOf(head),
                         .reason = head.reason,
                         .keep_alive = frame.keep_alive,
                         .minor_version = frame.http_1_1 ? 1 : 0,
                         .content_length = bodyless ? none : frame.length,
                         .chunked = frame.chunked && !bodyless,
                         .content_type = head.content_type,
                         .date = date,
                         .extra = extra});
  return out;
}

}  // namespace hydrapool::cgi
