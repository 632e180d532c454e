#include "loadgen/engine/response_parser.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

namespace loadgen {
namespace {

constexpr std::size_t kLongestLine = 64 * 1024;
constexpr std::uint64_t kLongestHead = 256 * 1024;
constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

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

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes the first of a comma-separated list off `list`.
std::string_view NextOf(std::string_view& list) {
  const auto comma = std::min(list.find(','), list.size());
  const auto item = Trimmed(list.substr(0, comma));
  list.remove_prefix(std::min(comma + 1, list.size()));
  return item;
}

bool Parse(std::string_view digits, int base, std::uint64_t& number) {
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number, base);
  return !digits.empty() && error == std::errc() && stop == end &&
         number <= std::numeric_limits<std::int64_t>::max();
}

}  // namespace

void ResponseParser::Begin(bool to_head) {
  partial_.clear();
  worker_.clear();
  stage_ = Stage::kStatusLine;
  to_head_ = to_head;
  began_ = false;
  keep_alive_ = false;
  status_ = 0;
  head_bytes_ = 0;
  body_bytes_ = 0;
  if (check_ != nullptr) check_->Begin();
}

std::size_t ResponseParser::Feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done() && !malformed()) {
    const auto rest = bytes.substr(used);
    const bool body = stage_ == Stage::kBody || stage_ == Stage::kChunk || stage_ == Stage::kUntilClose;
    used += body ? FeedBody(rest) : FeedLine(rest);
  }
  return used;
}

void ResponseParser::Close() {
  if (stage_ == Stage::kUntilClose) stage_ = Stage::kDone;
}

std::size_t ResponseParser::FeedLine(std::string_view bytes) {
  const auto* newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
  const auto used = newline == nullptr ? bytes.size() : static_cast<std::size_t>(newline - bytes.data()) + 1;
  const bool in_head = stage_ == Stage::kStatusLine || stage_ == Stage::kHeader || stage_ == Stage::kTrailer;
  if (in_head) head_bytes_ += used;
  if (partial_.size() + used > kLongestLine || head_bytes_ > kLongestHead) {
    stage_ = Stage::kMalformed;
    return used;
  }
  auto line = bytes.substr(0, used);
  if (newline == nullptr || !partial_.empty()) line = partial_.append(line);
  if (newline == nullptr) return used;
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const bool bare = std::memchr(line.data(), '\r', line.size()) != nullptr;
  stage_ = bare ? Stage::kMalformed : OnLine(line);
  partial_.clear();
  return used;
}

std::size_t ResponseParser::FeedBody(std::string_view bytes) {
  const auto used = stage_ == Stage::kUntilClose
                        ? bytes.size()
                        : static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  body_bytes_ += used;
  if (check_ != nullptr) check_->Feed(bytes.substr(0, used));
  if (stage_ == Stage::kUntilClose) return used;
  left_ -= used;
  if (left_ == 0) stage_ = stage_ == Stage::kBody ? Stage::kDone : Stage::kChunkEnd;
  return used;
}

ResponseParser::Stage ResponseParser::OnLine(std::string_view line) {
  switch (stage_) {
    case Stage::kStatusLine:
      return OnStatusLine(line);
    case Stage::kHeader:
      return line.empty() ? OnHeadEnd() : OnHeader(line);
    case Stage::kChunkSize:
      return OnChunkSize(line);
    case Stage::kChunkEnd:
      return line.empty() ? Stage::kChunkSize : Stage::kMalformed;
    default:
      return line.empty() ? Stage::kDone : Stage::kTrailer;
  }
}

ResponseParser::Stage ResponseParser::OnStatusLine(std::string_view line) {
  const auto digit = [&](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || !digit(7) || line[8] != ' ')
    return Stage::kMalformed;
  if (!digit(9) || !digit(10) || !digit(11) || (line.size() > 12 && line[12] != ' '))
    return Stage::kMalformed;
  began_ = true;
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  keep_alive_ = line[7] != '0';
  chunked_ = encoded_ = has_length_ = false;
  length_ = 0;
  return status_ < 100 || status_ == 101 ? Stage::kMalformed : Stage::kHeader;
}

ResponseParser::Stage ResponseParser::OnHeader(std::string_view line) {
  std::size_t colon = 0;
  while (colon < line.size() && kToken[static_cast<unsigned char>(line[colon])]) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') return Stage::kMalformed;
  return OnField(line.substr(0, colon), Trimmed(line.substr(colon + 1)));
}

ResponseParser::Stage ResponseParser::OnField(std::string_view name, std::string_view value) {
  if (Is(name, "content-length")) return SetLength(value) ? Stage::kHeader : Stage::kMalformed;
  if (Is(name, "connection")) SetConnection(value);
  if (Is(name, "transfer-encoding")) {
    if (chunked_) return Stage::kMalformed;
    encoded_ = true;
    while (!value.empty()) {
      if (chunked_) return Stage::kMalformed;
      chunked_ = Is(NextOf(value), "chunked");
    }
  }
  if (Is(name, worker_header_)) worker_ = value;
  return Stage::kHeader;
}

bool ResponseParser::SetLength(std::string_view value) {
  std::uint64_t length = 0;
  if (!Parse(value, 10, length) || (has_length_ && length != length_)) return false;
  has_length_ = true;
  length_ = length;
  return true;
}

void ResponseParser::SetConnection(std::string_view value) {
  while (!value.empty()) {
    const auto option = NextOf(value);
    if (Is(option, "close")) keep_alive_ = false;
    if (Is(option, "keep-alive")) keep_alive_ = true;
  }
}

ResponseParser::Stage ResponseParser::OnHeadEnd() {
  if (status_ < 200) {
    status_ = 0;
    return Stage::kStatusLine;
  }
  if (encoded_ && has_length_) return Stage::kMalformed;
  if (to_head_ || status_ == 204 || status_ == 304) return Stage::kDone;
  if (chunked_) return Stage::kChunkSize;
  if (has_length_) {
    left_ = length_;
    return length_ == 0 ? Stage::kDone : Stage::kBody;
  }
  keep_alive_ = false;
  return Stage::kUntilClose;
}

ResponseParser::Stage ResponseParser::OnChunkSize(std::string_view line) {
  if (!Parse(Trimmed(line.substr(0, line.find(';'))), 16, left_)) return Stage::kMalformed;
  return left_ == 0 ? Stage::kTrailer : Stage::kChunk;
}

}  // namespace loadgen
