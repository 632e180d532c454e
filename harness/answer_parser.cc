#include "harness/answer_parser.h"

#include <strings.h>

#include <charconv>

namespace harness {
namespace {

constexpr std::size_t kLargestHead = 64 * 1024;

std::optional<std::size_t> Number(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
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

bool IsContentLength(std::string_view name) {
  constexpr std::string_view kName = "content-length";
  return name.size() == kName.size() && ::strncasecmp(name.data(), kName.data(), kName.size()) == 0;
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
    if (!head || buffer_.size() - at_ - head->size < head->body) return std::nullopt;
    const auto body = std::string_view(buffer_).substr(at_ + head->size, head->body);
    at_ += head->size + head->body;
    if (head->status >= 200) return Answer{.status = head->status, .body = body};
  }
  return std::nullopt;
}

std::optional<AnswerParser::Head> AnswerParser::ReadHead() {
  const auto rest = std::string_view(buffer_).substr(at_);
  const auto end = rest.find("\r\n\r\n");
  if (end == rest.npos) return rest.size() > kLargestHead ? Broken() : std::nullopt;
  const auto lines = rest.substr(0, end + 2);
  std::size_t line_end = lines.find("\r\n");
  const auto status = StatusOf(lines.substr(0, line_end));
  if (!status) return Broken();
  std::optional<std::size_t> length;
  for (std::size_t at = line_end + 2; at < lines.size(); at = line_end + 2) {
    line_end = lines.find("\r\n", at);
    const auto line = lines.substr(at, line_end - at);
    const auto colon = line.find(':');
    if (colon == line.npos) return Broken();
    if (!IsContentLength(line.substr(0, colon))) continue;
    const auto value = Number(Trimmed(line.substr(colon + 1)));
    if (!value || (length && length != value)) return Broken();
    length = value;
  }
  if (HasNoBody(*status)) length = 0;
  if (!length) return Broken();
  return Head{.status = *status, .size = end + 4, .body = *length};
}

std::optional<AnswerParser::Head> AnswerParser::Broken() {
  broken_ = true;
  return std::nullopt;
}

}  // namespace harness
