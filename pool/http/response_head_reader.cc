#include "pool/http/response_head_reader.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace hydrapool::http {
namespace {

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
constexpr std::size_t kCodeDigits = 3;

constexpr std::array<bool, 256> kToken = [] {
  std::array<bool, 256> token{};
  for (unsigned c = '0'; c <= '9'; ++c) token[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) token[c] = token[c - 'a' + 'A'] = true;
  for (const char c : kTokenMarks) token[static_cast<unsigned char>(c)] = true;
  return token;
}();

bool Is(std::string_view text, std::string_view name) {
  return text.size() == name.size() && ::strncasecmp(text.data(), name.data(), name.size()) == 0;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// How long the name is with which a field line begins; 0 where it is none.
std::size_t NameOf(std::string_view line) {
  std::size_t colon = 0;
  while (colon < line.size() && kToken[static_cast<unsigned char>(line[colon])]) ++colon;
  return colon < line.size() && line[colon] == ':' ? colon : 0;
}

/// Takes the first of a comma-separated list off `list`.
std::string_view NextOf(std::string_view& list) {
  const auto comma = std::min(list.find(','), list.size());
  const auto item = WithoutBlanks(list.substr(0, comma));
  list.remove_prefix(std::min(comma + 1, list.size()));
  return item;
}

}  // namespace

void ResponseHeadReader::Begin() {
  kept_.clear();
  content_coding_.clear();
  wrong_ = {};
  stage_ = Stage::kStatusLine;
  began_ = false;
  keep_alive_ = false;
  status_ = 0;
  bytes_ = 0;
}

bool ResponseHeadReader::Count(std::size_t bytes, std::size_t line) {
  bytes_ += bytes;
  if (line + bytes > kLongestLine) return Wrong("a line of more than 64 KiB");
  return bytes_ <= kLongest || Wrong("a head of more than 256 KiB");
}

bool ResponseHeadReader::Take(std::string_view bytes) {
  const auto line = LineOf(bytes);
  if (!line) return Wrong("a control character in the head");
  switch (stage_) {
    case Stage::kStatusLine:
      return TakeStatusLine(*line);
    case Stage::kField:
      return line->empty() ? TakeEnd() : TakeField(*line);
    case Stage::kComplete:
      break;
  }
  return line->empty() || NameOf(*line) > 0 || Wrong("a trailer that is no field");
}

bool ResponseHeadReader::Wrong(std::string_view why) {
  wrong_ = why;
  return false;
}

bool ResponseHeadReader::TakeStatusLine(std::string_view line) {
  const bool second = http2_ && line.starts_with("HTTP/2 ");
  const bool first = line.size() > 8 && line.starts_with("HTTP/1.") && IsDigit(line[7]) && line[8] == ' ';
  if (!first && !second) return Wrong("the first line is not HTTP/1.1's");
  const auto code = line.substr(second ? 7 : 9);
  if (code.size() < kCodeDigits || !IsDigit(code[0]) || !IsDigit(code[1]) || !IsDigit(code[2]) ||
      (code.size() > kCodeDigits && code[kCodeDigits] != ' '))
    return Wrong("the first line has no status of three digits");
  began_ = true;
  status_ = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  keep_alive_ = second || line[7] != '0';
  chunked_ = false;
  length_.reset();
  if (status_ < 100) return Wrong("a status below 100");
  if (status_ == 101) return Wrong("101 Switching Protocols, which was not asked for");
  stage_ = Stage::kField;
  return true;
}

bool ResponseHeadReader::TakeField(std::string_view line) {
  const auto colon = NameOf(line);
  if (colon == 0) return Wrong("a line in the head that is no field");
  return TakeField(line.substr(0, colon), WithoutBlanks(line.substr(colon + 1)));
}

bool ResponseHeadReader::TakeField(std::string_view name, std::string_view value) {
  if (Is(name, "content-length")) return TakeLength(value);
  if (Is(name, "transfer-encoding")) return TakeCodings(value);
  if (Is(name, "connection")) {
    while (!value.empty()) {
      const auto option = NextOf(value);
      if (Is(option, "close")) keep_alive_ = false;
      if (Is(option, "keep-alive")) keep_alive_ = true;
    }
    return true;
  }
  if (Is(name, "content-encoding")) content_coding_ = value;
  if (Is(name, kept_name_)) kept_ = value;
  return true;
}

bool ResponseHeadReader::TakeLength(std::string_view value) {
  const auto length = NumberOf(value, 10);
  if (!length) return Wrong("a Content-Length that is no number");
  if (length_ && *length_ != *length) return Wrong("two Content-Lengths that differ");
  length_ = length;
  return true;
}

bool ResponseHeadReader::TakeCodings(std::string_view value) {
  if (chunked_ || !Is(value, "chunked")) return Wrong("a transfer coding other than chunked");
  chunked_ = true;
  return true;
}

bool ResponseHeadReader::TakeEnd() {
  if (chunked_ && length_) return Wrong("both Content-Length and Transfer-Encoding");
  stage_ = status_ < 200 ? Stage::kStatusLine : Stage::kComplete;
  if (status_ < 200) status_ = 0;
  return true;
}

std::optional<std::string_view> LineOf(std::string_view bytes) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  if (bytes.find('\r') != bytes.npos || bytes.find('\0') != bytes.npos) return std::nullopt;
  return bytes;
}

std::optional<std::uint64_t> NumberOf(std::string_view text, int base) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end || number > std::numeric_limits<std::int64_t>::max())
    return std::nullopt;
  return number;
}

std::string_view WithoutBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace hydrapool::http
