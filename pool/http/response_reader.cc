#include "pool/http/response_reader.h"

#include <algorithm>
#include <cstring>

namespace hydrapool::http {

void ResponseReader::Begin(bool to_head) {
  partial_.clear();
  head_.Begin();
  wrong_ = {};
  stage_ = Stage::kHead;
  to_head_ = to_head;
  keep_alive_ = false;
  body_bytes_ = 0;
}

std::size_t ResponseReader::Feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done() && !malformed()) {
    const auto rest = bytes.substr(used);
    const bool body = stage_ == Stage::kBody || stage_ == Stage::kChunk || stage_ == Stage::kUntilClose;
    used += body ? FeedBody(rest) : FeedLine(rest);
  }
  return used;
}

void ResponseReader::Close() {
  if (stage_ == Stage::kUntilClose) stage_ = Stage::kDone;
}

std::size_t ResponseReader::FeedLine(std::string_view bytes) {
  const auto* newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
  const auto used = newline == nullptr ? bytes.size() : static_cast<std::size_t>(newline - bytes.data()) + 1;
  const bool in_head = stage_ == Stage::kHead || stage_ == Stage::kTrailer;
  if (in_head ? !head_.Count(used, partial_.size())
              : partial_.size() + used > ResponseHeadReader::kLongestLine) {
    stage_ = in_head ? Malformed(head_.wrong()) : Malformed("a chunk's line of more than 64 KiB");
    return used;
  }
  auto line = bytes.substr(0, used);
  if (newline == nullptr || !partial_.empty()) line = partial_.append(line);
  if (newline == nullptr) {
    if (stage_ == Stage::kChunkEnd && line != "\r") stage_ = Malformed("a chunk longer than its size");
    return used;
  }
  stage_ = OnLine(line);
  partial_.clear();
  return used;
}

std::size_t ResponseReader::FeedBody(std::string_view bytes) {
  const auto used = stage_ == Stage::kUntilClose
                        ? bytes.size()
                        : static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  body_bytes_ += used;
  if (sink_ != nullptr) sink_->Feed(bytes.substr(0, used));
  if (stage_ == Stage::kUntilClose) return used;
  left_ -= used;
  if (left_ == 0) stage_ = stage_ == Stage::kBody ? Stage::kDone : Stage::kChunkEnd;
  return used;
}

ResponseReader::Stage ResponseReader::Malformed(std::string_view why) {
  wrong_ = why;
  return Stage::kMalformed;
}

ResponseReader::Stage ResponseReader::OnLine(std::string_view line) {
  if (stage_ == Stage::kChunkSize) return OnChunkSize(line);
  if (stage_ == Stage::kChunkEnd)
    return LineOf(line) == "" ? Stage::kChunkSize : Malformed("a chunk longer than its size");
  if (!head_.Take(line)) return Malformed(head_.wrong());
  if (stage_ == Stage::kHead) return head_.complete() ? OnHeadEnd() : Stage::kHead;
  return LineOf(line) == "" ? Stage::kDone : Stage::kTrailer;
}

ResponseReader::Stage ResponseReader::OnHeadEnd() {
  keep_alive_ = head_.keep_alive();
  if (sink_ != nullptr) sink_->Begin(head_.content_coding());
  if (to_head_ || status() == 204 || status() == 304) return Stage::kDone;
  if (head_.chunked()) return Stage::kChunkSize;
  if (head_.length()) {
    left_ = *head_.length();
    return left_ == 0 ? Stage::kDone : Stage::kBody;
  }
  keep_alive_ = false;
  return Stage::kUntilClose;
}

ResponseReader::Stage ResponseReader::OnChunkSize(std::string_view bytes) {
  const auto line = LineOf(bytes).value_or("");
  const auto size = NumberOf(WithoutBlanks(line.substr(0, line.find(';'))), 16);
  if (!size) return Malformed("a chunk's size that is no number");
  left_ = *size;
  return left_ == 0 ? Stage::kTrailer : Stage::kChunk;
}

}  // namespace hydrapool::http
