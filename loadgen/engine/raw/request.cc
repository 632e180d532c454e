#include "loadgen/engine/raw/request.h"

#include <strings.h>

#include <array>
#include <charconv>

namespace hydrapool::loadgen {
namespace {

std::string_view NameOf(std::string_view header) { return header.substr(0, header.find_first_of(":;")); }

bool Mentioned(const RequestParts& parts, std::string_view name) {
  for (const auto& header : parts.headers) {
    const auto own = NameOf(header);
    if (own.size() == name.size() && ::strncasecmp(own.data(), name.data(), name.size()) == 0) return true;
  }
  return false;
}

/// All but Content-Length and the empty line.
std::string HeadOf(const RequestParts& parts, const HttpUrl& url, bool keep_alive) {
  std::string bytes = parts.method + " " + url.target + " HTTP/1.1\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!Mentioned(parts, name)) bytes.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", url.authority);
  add("User-Agent", "loadgen");
  add("Accept", "*/*");
  if (parts.body) add("Content-Type", "application/x-www-form-urlencoded");
  for (const auto& header : parts.headers) {
    const auto name = NameOf(header);
    const std::string_view rest = std::string_view(header).substr(name.size());
    if (rest == ";") {
      bytes.append(name).append(":\r\n");
    } else if (rest.starts_with(':') && rest.find_first_not_of(" \t", 1) != rest.npos) {
      bytes.append(header).append("\r\n");
    }
  }
  if (!keep_alive) bytes += "Connection: close\r\n";
  return bytes;
}

}  // namespace

RawRequest::RawRequest(const Plan& plan, std::size_t index, const HttpUrl& url)
    : to_head_(PartsOf(plan, index).method == "HEAD"),
      constant_(false),
      head_(HeadOf(PartsOf(plan, index), url, plan.keep_alive), plan.lines),
      body_(PartsOf(plan, index).body.value_or(""), plan.lines) {
  const auto parts = PartsOf(plan, index);
  says_length_ = parts.body && !Mentioned(parts, "Content-Length");
  if (!head_.constant() || !body_.constant()) return;
  std::string buffer;
  bytes_ = Bytes(0, 0, buffer);
  constant_ = true;
}

std::string_view RawRequest::Bytes(std::uint64_t seed, std::uint64_t turn, std::string& buffer) const {
  if (constant_) return bytes_;
  buffer.clear();
  head_.Expand(seed, turn, buffer);
  if (says_length_) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), body_.Length(turn)).ptr;
    buffer.append("Content-Length: ").append(digits.data(), end).append("\r\n");
  }
  buffer.append("\r\n");
  body_.Expand(seed, turn, buffer);
  return buffer;
}

}  // namespace hydrapool::loadgen
