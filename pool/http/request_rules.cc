#include "pool/http/request_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "pool/http/text.h"

namespace hydrapool::http {
namespace {

using namespace std::string_view_literals;

bool IsPort(std::string_view text) {
  if (text.empty()) return true;
  unsigned port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && stop == end && port <= 65535;
}

bool IsHex(char c) {
  const char low = ToLower(c);
  return Is(kDigitChar, c) || (low >= 'a' && low <= 'f');
}

// Between the brackets of an IP-literal: an IPv6 address, or one of a version to come.
bool IsIpLiteral(std::string_view text) {
  if (!text.empty() && ToLower(text.front()) == 'v') {
    const auto dot = text.find('.');
    if (dot == text.npos || dot < 2 || dot + 1 == text.size()) return false;
    return std::ranges::all_of(text.substr(1, dot - 1), IsHex) &&
           std::ranges::all_of(text.substr(dot + 1), [](char c) { return Is(kHostChar, c) || c == ':'; });
  }
  const std::string address(text);
  in6_addr parsed;
  return text.find('\0') == text.npos && ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

std::optional<std::string_view> AfterScheme(std::string_view target) {
  if (target.starts_with('/')) return std::nullopt;
  for (const auto scheme : {"http://"sv, "https://"sv}) {
    if (EqualsIgnoringCase(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
  }
  return std::nullopt;
}

struct Seen {
  int hosts = 0, lengths = 0, codings = 0;
  std::string_view host, length, coding;
  bool close = false, keep_alive = false;
  bool expect_continue = false, expect_other = false;
};

Seen Look(std::span<const Field> fields) {
  Seen seen;
  for (const auto& [name, value] : fields) {
    switch (name.size()) {
      case 4:
        if (!EqualsIgnoringCase(name, "host")) break;
        ++seen.hosts;
        seen.host = value;
        break;
      case 6:
        if (!EqualsIgnoringCase(name, "expect")) break;
        (EqualsIgnoringCase(value, "100-continue") ? seen.expect_continue : seen.expect_other) = true;
        break;
      case 10:
        if (!EqualsIgnoringCase(name, "connection")) break;
        ForEachMember(value, [&seen](std::string_view option) {
          seen.close |= EqualsIgnoringCase(option, "close");
          seen.keep_alive |= EqualsIgnoringCase(option, "keep-alive");
        });
        break;
      case 14:
        if (!EqualsIgnoringCase(name, "content-length")) break;
        ++seen.lengths;
        seen.length = value;
        break;
      case 17:
        if (!EqualsIgnoringCase(name, "transfer-encoding")) break;
        ++seen.codings;
        seen.coding = value;
        break;
      default:
        break;
    }
  }
  return seen;
}

std::optional<Refusal> ReadTarget(Request& request, const Seen& seen, std::string& spare) {
  if (request.method == "CONNECT") return Refusal{501, "CONNECT is for proxies"};
  if (seen.hosts > 1) return Refusal{400, "more than one Host"};
  if (seen.hosts == 0 && request.minor_version == 1) return Refusal{400, "no Host"};
  if (seen.hosts == 1 && !IsHost(seen.host)) return Refusal{400, "malformed Host"};
  request.host = seen.host;
  if (const auto rest = AfterScheme(request.target)) {
    const auto authority_size = std::min(rest->find_first_of("/?"), rest->size());
    request.host = rest->substr(0, authority_size);
    if (!IsHost(request.host)) return Refusal{400, "malformed host in the request target"};
    request.target = rest->substr(authority_size);
    if (!request.target.starts_with('/')) request.target = spare.assign(1, '/').append(request.target);
  } else if (request.target == "*" ? request.method != "OPTIONS" : !request.target.starts_with('/')) {
    return Refusal{400, "malformed request target"};
  }
  const auto mark = request.target.find('?');
  request.has_query = mark != request.target.npos;
  request.path = request.target.substr(0, mark);
  request.query = request.has_query ? request.target.substr(mark + 1) : std::string_view();
  return std::nullopt;
}

std::optional<Refusal> ReadFraming(Request& request, const Seen& seen) {
  request.body = BodyKind::kNone;
  request.content_length = 0;
  if (seen.codings > 0) {
    if (seen.codings > 1) return Refusal{400, "more than one Transfer-Encoding"};
    if (seen.lengths > 0) return Refusal{400, "Content-Length beside Transfer-Encoding"};
    if (request.minor_version == 0) return Refusal{400, "Transfer-Encoding in HTTP/1.0"};
    if (!EqualsIgnoringCase(seen.coding, "chunked")) return Refusal{501, "transfer coding not implemented"};
    request.body = BodyKind::kChunked;
  } else if (seen.lengths > 0) {
    if (seen.lengths > 1) return Refusal{400, "more than one Content-Length"};
    const auto length = ParseContentLength(seen.length);
    if (!length) return Refusal{400, "malformed Content-Length"};
    request.body = BodyKind::kLength;
    request.content_length = *length;
  }
  return std::nullopt;
}

}  // namespace

bool IsHost(std::string_view text) {
  std::size_t name = 0;
  if (text.starts_with('[')) {
    name = text.find(']');
    if (name == text.npos || !IsIpLiteral(text.substr(1, name - 1))) return false;
    ++name;
  } else {
    name = std::min(text.find(':'), text.size());
    const auto is_host_char = [](char c) { return Is(kHostChar, c); };
    if (name == 0 || !std::ranges::all_of(text.substr(0, name), is_host_char)) return false;
  }
  if (name == text.size()) return true;
  return text[name] == ':' && IsPort(text.substr(name + 1));
}

std::optional<std::uint64_t> ParseContentLength(std::string_view text) {
  std::uint64_t length = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, length);
  if (error != std::errc() || stop != end || length > INT64_MAX) return std::nullopt;
  return length;
}

std::optional<Refusal> Interpret(Request& request, std::string& spare) {
  const Seen seen = Look(request.fields);
  if (auto refusal = ReadTarget(request, seen, spare)) return refusal;
  if (auto refusal = ReadFraming(request, seen)) return refusal;
  if (seen.expect_other) return Refusal{417, "unknown expectation"};
  request.expect_continue =
      seen.expect_continue && request.minor_version == 1 && request.body != BodyKind::kNone;
  request.keep_alive = !seen.close && (request.minor_version == 1 || seen.keep_alive);
  return std::nullopt;
}

}  // namespace hydrapool::http
