#include "pool/files/answer.h"

#include <fmt/format.h>

#include "pool/http/response_writer.h"

namespace hydrapool::files {
namespace {

std::string ValidatorLines(const FileFacts& file) {
  std::string lines = fmt::format("ETag: {}\r\nLast-Modified: {}\r\n", file.validators.tag,
                                  http::HttpDate(file.validators.modified));
  if (file.varies) lines += "Vary: Accept-Encoding\r\n";
  return lines;
}

std::string ContentRange(const ByteRange& range, std::uint64_t size) {
  return fmt::format("Content-Range: bytes {}-{}/{}\r\n", range.at, range.at + range.length - 1, size);
}

std::string Head(const http::Request& request, const AnswerFrame& frame, int status,
                 std::optional<std::uint64_t> length, std::string_view type, const std::string& lines) {
  std::string head;
  http::AppendHead(head, {.status = status,
                          .keep_alive = frame.keep_alive,
                          .minor_version = request.minor_version,
                          .content_length = length,
                          .content_type = type,
                          .date = frame.date,
                          .extra = std::string(frame.extra_lines) + lines});
  return head;
}

Answer Refused(const http::Request& request, const AnswerFrame& frame, int status, const std::string& lines) {
  Answer answer{.status = status, .pieces = {{}}, .end = {}};
  answer.pieces[0].text =
      http::ErrorResponse(status, frame.keep_alive, request.method == "HEAD", "", frame.date,
                          request.minor_version, std::string(frame.extra_lines) + lines);
  return answer;
}

Answer Multipart(const http::Request& request, const FileFacts& file, const AnswerFrame& frame,
                 const std::vector<ByteRange>& ranges, const std::string& lines) {
  Answer answer{.status = 206, .pieces = {}, .end = fmt::format("\r\n--{}--\r\n", frame.boundary)};
  for (const ByteRange& range : ranges) {
    const std::string text =
        fmt::format("{}--{}\r\nContent-Type: {}\r\n{}\r\n", answer.pieces.empty() ? "" : "\r\n",
                    frame.boundary, file.type, ContentRange(range, file.size));
    answer.pieces.push_back({text, range});
  }
  const std::string type = fmt::format("multipart/byteranges; boundary={}", frame.boundary);
  const std::uint64_t length = answer.text_size() + answer.part_size();
  answer.pieces[0].text.insert(0, Head(request, frame, 206, length, type, lines));
  return answer;
}

}  // namespace

std::uint64_t Answer::text_size() const {
  std::uint64_t size = end.size();
  for (const Piece& piece : pieces) size += piece.text.size();
  return size;
}

std::uint64_t Answer::part_size() const {
  std::uint64_t size = 0;
  for (const Piece& piece : pieces) size += piece.part.length;
  return size;
}

Answer AnswerFor(const http::Request& request, const FileFacts& file, const AnswerFrame& frame) {
  const std::string validators = ValidatorLines(file);
  switch (Evaluate(request, file.validators)) {
    case Condition::kFails:
      return Refused(request, frame, 412, "");
    case Condition::kNotModified:
      return {.status = 304, .pieces = {{Head(request, frame, 304, {}, "", validators), {}}}, .end = {}};
    case Condition::kHolds:
      break;
  }
  std::string lines = validators;
  if (!file.coding.empty()) lines += fmt::format("Content-Encoding: {}\r\n", file.coding);
  const auto field = request.method == "GET" ? request.Find("Range") : std::nullopt;
  const auto ranges =
      field && RangeCounts(request, file.validators) ? ParseRanges(*field, file.size) : std::nullopt;
  if (ranges && ranges->empty())
    return Refused(request, frame, 416, fmt::format("Content-Range: bytes */{}\r\n", file.size));
  if (ranges && ranges->size() > 1) return Multipart(request, file, frame, *ranges, lines);
  Answer answer{.status = ranges ? 206 : 200, .pieces = {{"", {0, file.size}}}, .end = {}};
  Answer::Piece& piece = answer.pieces[0];
  if (ranges) piece.part = ranges->front();
  lines += ranges ? ContentRange(piece.part, file.size) : "Accept-Ranges: bytes\r\n";
  piece.text = Head(request, frame, answer.status, piece.part.length, file.type, lines);
  if (request.method == "HEAD") piece.part = {};
  return answer;
}

}  // namespace hydrapool::files
