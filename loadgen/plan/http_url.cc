#include "loadgen/plan/http_url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <string_view>

#include "loadgen/plan/url_scheme.h"
#include "pool/sys/units.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::array<std::string_view, 6> kProxies = {"http",    "https",  "socks4",
                                                      "socks4a", "socks5", "socks5h"};
constexpr std::string_view kUnits = " us ms s m h k K M % ";

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeText {
  void operator()(char* text) const { curl_free(text); }
};

bool NeedsEscape(char c) { return c == ' ' || static_cast<unsigned char>(c) >= 0x80; }

std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  return std::unique_ptr<char, FreeText>(text).get();
}

/// Takes the user out of the URL in `text` whose "://" is the first at `from` or behind; where to go on, npos
/// where there is none.
std::size_t EraseUser(std::string& text, std::size_t from) {
  const auto scheme = text.find("://", from);
  if (scheme == text.npos) return text.npos;
  const auto begin = scheme + 3;
  const auto end = std::min(text.find_first_of("/?# '\"", begin), text.size());
  const auto at = text.substr(begin, end - begin).rfind('@');
  if (at != text.npos) text.erase(begin, at + 1);
  return begin;
}

/// Also an empty one, which libcurl tells from none only in parts of its interface.
bool HasQuery(std::string_view url) { return url.substr(0, url.find('#')).find('?') != url.npos; }

/// libcurl would take a NUL for the end.
bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

/// "50", "0.5", "50/s", "0x32", "1e3", "50%", "30s" or "1m30s": what is a number in the command lines of
/// other programs.
bool IsNumber(std::string_view text) {
  const auto unit = text.find_first_not_of("0123456789.,_");
  if (text.starts_with("0x") || text.starts_with("0X") || sys::ParseDuration(text)) return true;
  const auto number = text.substr(0, unit);
  if (number.empty() || std::ranges::count(number, '.') > 2) return false;
  if (unit == text.npos || kUnits.find(" " + std::string(text.substr(unit)) + " ") != kUnits.npos)
    return true;
  const auto power = text.substr(unit + 1);
  return (text[unit] == 'e' || text[unit] == 'E') && !power.empty() &&
         power.find_first_not_of("0123456789") == power.npos;
}

/// "http:/h/" or "http//h/": whose host would be "http".
bool LacksSlashOrColon(std::string_view text) {
  if (!text.starts_with("http")) return false;
  text.remove_prefix(text.starts_with("https") ? 5 : 4);
  return text.starts_with("//") || text.starts_with(":/");
}

std::string UserOf(CURLU* url) {
  const auto name = Part(url, CURLUPART_USER, CURLU_URLDECODE);
  const auto password = Part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
  return name.empty() && password.empty() ? "" : name + ":" + password;
}

}  // namespace

std::string WithoutUsers(std::string text) {
  for (std::size_t from = 0; from != text.npos;) from = EraseUser(text, from);
  return text;
}

sys::Result<HttpUrl> ParseHttpUrl(const std::string& text, const std::string& base, Dots dots) {
  if (std::ranges::any_of(text, &IsControl))
    return sys::Failure(fmt::format("'{}' is not a URL: it has a control character", text));
  if (text.starts_with("unix:"))
    return sys::Failure(
        fmt::format("'{}': a UNIX socket is --unix-socket PATH, beside a URL like http://h/", text));
  if (base.empty() && text.starts_with('/'))
    return sys::Failure(
        fmt::format("'{}' lacks the URL it belongs to (give that on the command line)", text));
  if (base.empty() && IsNumber(text.substr(0, text.find_first_of("/:?#")))) {
    const bool is_time = sys::ParseDuration(text) && !std::isdigit(static_cast<unsigned char>(text.back()));
    return sys::Failure(fmt::format("'{}' is not a URL but a number (a {} {})", text,
                                    is_time ? "duration is -d" : "rate is -R", text));
  }
  const bool whole = HasScheme(text);
  if (!whole && LacksSlashOrColon(text))
    return sys::Failure(
        fmt::format("'{}' is not a URL: it begins neither with http:// nor with https://", text));
  if (whole && text.find(":///") == text.find("://"))
    return sys::Failure(fmt::format("'{}' is not a URL: it has no host", text));
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  HttpUrl parts;
  const bool relative = !base.empty() && !whole;
  parts.full = relative || whole ? text : "http://" + text;
  const bool has_lines = HasLines(text);
  const bool odd = !has_lines && std::ranges::any_of(text, &NeedsEscape);
  const unsigned flags = (has_lines || dots == Dots::kAsTheyAre ? CURLU_PATH_AS_IS : 0U) |
                         (odd ? CURLU_ALLOW_SPACE | CURLU_URLENCODE : 0U);
  if (relative) curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0);
  if (const auto wrong = curl_url_set(url.get(), CURLUPART_URL, parts.full.c_str(), flags);
      wrong != CURLUE_OK) {
    return sys::Failure(fmt::format("'{}' is not a URL: {}", text, curl_url_strerror(wrong)));
  }
  if (relative || odd) parts.full = Part(url.get(), CURLUPART_URL);
  parts.scheme = Part(url.get(), CURLUPART_SCHEME);
  if (parts.scheme != "http" && parts.scheme != "https") {
    return sys::Failure(fmt::format("'{}': only http and https", text));
  }
  const auto host = Part(url.get(), CURLUPART_HOST);
  parts.host = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  parts.port = Part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (parts.port == "0") return sys::Failure(fmt::format("'{}': nothing listens on port 0", text));
  const bool usual = parts.port == (parts.scheme == "http" ? "80" : "443");
  parts.authority = usual ? host : fmt::format("{}:{}", host, parts.port);
  parts.target = Part(url.get(), CURLUPART_PATH);
  if (parts.target.empty()) parts.target.push_back('/');
  const auto query = Part(url.get(), CURLUPART_QUERY);
  if (!query.empty() || HasQuery(parts.full)) parts.target.append("?").append(query);
  parts.user = UserOf(url.get());
  EraseUser(parts.full, 0);
  return parts;
}

sys::Result<void> CheckProxy(const std::string& text) {
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  const auto whole = HasScheme(text) ? text : "http://" + text;
  if (const auto wrong = curl_url_set(url.get(), CURLUPART_URL, whole.c_str(), CURLU_NON_SUPPORT_SCHEME);
      wrong != CURLUE_OK)
    return sys::Failure(fmt::format("is not a proxy: {}", curl_url_strerror(wrong)));
  if (std::ranges::find(kProxies, Part(url.get(), CURLUPART_SCHEME)) == kProxies.end())
    return sys::Failure(fmt::format("is not a proxy: these are {}", fmt::join(kProxies, ", ")));
  if (Part(url.get(), CURLUPART_PORT) == "0")
    return sys::Failure("is not a proxy: nothing listens on port 0");
  return {};
}

}  // namespace hydrapool::loadgen
