#include "harness/echo/echo_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace hydrapool::harness {
namespace {

constexpr std::size_t kLongestChunk = 8192;

}  // namespace

std::string BodyOf(std::uint64_t id, std::size_t size) {
  std::string body = fmt::format("{}\n", id);
  const std::size_t begin = body.size();
  body.resize(size);
  for (std::size_t i = begin; i < size; ++i) body[i] = static_cast<char>('a' + (id + i) % 26);
  return body;
}

std::optional<std::uint64_t> IdOfBody(std::string_view body) {
  const auto line = body.substr(0, body.find('\n'));
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), id);
  if (line.size() == body.size() || error != std::errc{} || end != line.data() + line.size())
    return std::nullopt;
  return id;
}

EchoRequests::EchoRequests(const EchoMix& mix, std::string host, std::string path)
    : mix_(mix), host_(std::move(host)), path_(std::move(path)), random_(mix.seed) {}

double EchoRequests::Draw() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

std::uint64_t EchoRequests::DrawReset() {
  return mix_.reset_within == 0 ? 0 : 1 + DrawBelow(mix_.reset_within);
}

std::string EchoRequests::InChunks(std::string_view body) {
  std::string chunks;
  while (!body.empty()) {
    const auto size = std::min<std::size_t>(body.size(), 1 + DrawBelow(kLongestChunk));
    chunks += fmt::format("{:x}\r\n{}\r\n", size, body.substr(0, size));
    body.remove_prefix(size);
  }
  return chunks + "0\r\n\r\n";
}

EchoRequests::Request EchoRequests::Make(std::uint64_t id, bool last) {
  const bool has_body = !mix_.body_sizes.empty();
  const char* query = path_.find('?') == std::string::npos ? "?" : "";
  const char* goes_on = mix_.http10 ? "Connection: keep-alive\r\n" : "";
  std::string head =
      fmt::format("{} {}{}{} HTTP/1.{}\r\nHost: {}\r\n{}", has_body ? "POST" : "GET", path_, query, id,
                  mix_.http10 ? 0 : 1, host_, last ? "Connection: close\r\n" : goes_on);
  if (!has_body) return {.bytes = head + "\r\n", .body_size = {}};
  const std::size_t size = mix_.body_sizes[DrawBelow(mix_.body_sizes.size())];
  const std::string body = BodyOf(id, size);
  if (Draw() < mix_.chunked)
    return {.bytes = head + "Transfer-Encoding: chunked\r\n\r\n" + InChunks(body), .body_size = size};
  return {.bytes = head + fmt::format("Content-Length: {}\r\n\r\n", size) + body, .body_size = size};
}

}  // namespace hydrapool::harness
