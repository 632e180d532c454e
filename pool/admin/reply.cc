#include "pool/admin/reply.h"

#include <charconv>
#include <cstdint>
#include <utility>

#include "pool/http/chunked_decoder.h"
#include "pool/http/request_rules.h"
#include "pool/http/text.h"

namespace hydrapool::admin {
namespace {

struct Head {
  int status = 0;
  std::string_view content_type = {};
  std::optional<std::uint64_t> length = {};
  bool chunked = false;
};

std::optional<int> ReadStatusLine(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return std::nullopt;
  int status = 0;
  const auto [stop, error] = std::from_chars(line.data() + 9, line.data() + 12, status);
  if (error != std::errc() || stop != line.data() + 12 || status < 100) return std::nullopt;
  return line.size() == 12 || line[12] == ' ' ? std::optional(status) : std::nullopt;
}

std::optional<Head> ReadHead(std::string_view text) {
  Head head;
  auto end = text.find("\r\n");
  const auto status = ReadStatusLine(text.substr(0, end));
  if (!status) return std::nullopt;
  head.status = *status;
  for (text.remove_prefix(end + 2); !text.empty(); text.remove_prefix(end + 2)) {
    end = text.find("\r\n");
    const auto line = text.substr(0, end);
    const auto colon = line.find(':');
    if (colon == line.npos) return std::nullopt;
    const auto name = line.substr(0, colon);
    const auto value = http::TrimBlanks(line.substr(colon + 1));
    if (http::EqualsIgnoringCase(name, "content-type")) head.content_type = value;
    if (http::EqualsIgnoringCase(name, "transfer-encoding"))
      head.chunked = http::EqualsIgnoringCase(value, "chunked");
    if (http::EqualsIgnoringCase(name, "content-length")) {
      head.length = http::ParseContentLength(value);
      if (!head.length) return std::nullopt;
    }
  }
  return head;
}

}  // namespace

std::optional<sys::Result<Page>> ReadReply(std::string_view bytes, bool ended) {
  const auto incomplete = [ended]() -> std::optional<sys::Result<Page>> {
    if (!ended) return std::nullopt;
    return sys::Failure("the response ended too early");
  };
  const auto empty_line = bytes.find("\r\n\r\n");
  if (empty_line == bytes.npos) return incomplete();
  const auto head = ReadHead(bytes.substr(0, empty_line + 2));
  if (!head) return sys::Failure("not an HTTP response");
  auto rest = bytes.substr(empty_line + 4);
  if (head->status < 200) return ReadReply(rest, ended);

  Page page{.status = head->status, .content_type = std::string(head->content_type)};
  if (head->status == 204 || head->status == 304) return page;
  if (head->chunked) {
    http::ChunkedDecoder decoder;
    const auto state = decoder.Feed(rest, page.body).state;
    if (state == http::ChunkedDecoder::State::kBad) return sys::Failure("malformed chunks");
    if (state == http::ChunkedDecoder::State::kNeedMore) return incomplete();
    return page;
  }
  if (head->length ? rest.size() < *head->length : !ended) return incomplete();
  page.body = rest.substr(0, head->length.value_or(rest.npos));
  return page;
}

}  // namespace hydrapool::admin
