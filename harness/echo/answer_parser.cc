#include "harness/echo/answer_parser.h"

#include <strings.h>

#include <charconv>

namespace hydrapool::harness {
namespace {

constexpr std::size_t kLargestHead = 64 * 1024;
constexpr std::size_t kLargestChunk = std::size_t{1} << 40;

std::optional<std::size_t> Number(std::string_view text, int base = 10) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<int> StatusOf(std::string_view line) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return std::nullopt;
  const auto status = Number(line.substr(9, 3));
  if (!status || *status < 100) return std::nullopt;
  return static_cast<int>(*status);
}

bool SameName(std::string_view name, std::string_view known) {
  return name.size() == known.size() && ::strncasecmp(name.data(), known.data(), known.size()) == 0;
}

bool HasNoBody(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

void AnswerParser::Feed(std::string_view bytes) {
  buffer_.erase(0, at_);
  at_ = 0;
  buffer_.append(bytes);
}

std::optional<Answer> AnswerParser::Next() {
  while (!broken_) {
    const auto head = ReadHead();
    if (!head) return std::nullopt;
    const auto rest = std::string_view(buffer_).substr(at_ + head->size);
    const auto size = head->chunked ? ReadChunks(rest) : head->body;
    if (!size || rest.size() < *size) return std::nullopt;
    at_ += head->size + *size;
    const auto body = head->chunked ? std::string_view(chunks_) : rest.substr(0, *size);
    if (head->status >= 200) return Answer{.status = head->status, .body = body, .last = head->last};
  }
  return std::nullopt;
}

std::optional<AnswerParser::Head> AnswerParser::ReadHead() {
  const auto rest = std::string_view(buffer_).substr(at_);
  const auto end = rest.find("\r\n\r\n");
  if (end == rest.npos) {
    if (rest.size() > kLargestHead) return Broken();
    return std::nullopt;
  }
  const auto lines = rest.substr(0, end + 2);
  std::size_t line_end = lines.find("\r\n");
  const auto status = StatusOf(lines.substr(0, line_end));
  if (!status) return Broken();
  std::optional<std::size_t> length;
  bool chunked = false;
  bool last = lines.starts_with("HTTP/1.0");
  for (std::size_t at = line_end + 2; at < lines.size(); at = line_end + 2) {
    line_end = lines.find("\r\n", at);
    const auto line = lines.substr(at, line_end - at);
    const auto colon = line.find(':');
    if (colon == line.npos) return Broken();
    const auto name = line.substr(0, colon);
    const auto value = Trimmed(line.substr(colon + 1));
    if (SameName(name, "transfer-encoding")) {
      if (!SameName(value, "chunked")) return Broken();
      chunked = true;
    } else if (SameName(name, "content-length")) {
      const auto number = Number(value);
      if (!number || (length && length != number)) return Broken();
      length = number;
    } else if (SameName(name, "connection")) {
      last = SameName(value, "close") || (last && !SameName(value, "keep-alive"));
    }
  }
  if (HasNoBody(*status)) {
    length = 0;
    chunked = false;
  }
  if (length.has_value() == chunked) return Broken();
  return Head{
      .status = *status, .size = end + 4, .body = length.value_or(0), .chunked = chunked, .last = last};
}

std::optional<std::size_t> AnswerParser::ReadChunks(std::string_view rest) {
  chunks_.clear();
  for (std::size_t at = 0;;) {
    const auto line_end = rest.find("\r\n", at);
    if (line_end == rest.npos) return std::nullopt;
    const auto line = rest.substr(at, line_end - at);
    const auto size = Number(Trimmed(line.substr(0, line.find(';'))), 16);
    if (!size || *size > kLargestChunk) return Broken();
    at = line_end + 2;
    if (*size == 0) {
      const auto trailer_end = rest.find("\r\n\r\n", line_end);
      if (trailer_end == rest.npos) return std::nullopt;
      return trailer_end + 4;
    }
    if (rest.size() - at < *size + 2) return std::nullopt;
    if (rest.substr(at + *size, 2) != "\r\n") return Broken();
    chunks_.append(rest.substr(at, *size));
    at += *size + 2;
  }
}

std::nullopt_t AnswerParser::Broken() {
  broken_ = true;
  return std::nullopt;
}

}  // namespace hydrapool::harness
