#include "loadgen/plan/http_url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

namespace loadgen {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeText {
  void operator()(char* text) const { curl_free(text); }
};

std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  return std::unique_ptr<char, FreeText>(text).get();
}

}  // namespace

sys::Result<HttpUrl> ParseHttpUrl(const std::string& text) {
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  HttpUrl parts;
  parts.full = text.find("://") == text.npos ? "http://" + text : text;
  const unsigned flags = parts.full.find("{line:") == text.npos ? 0 : CURLU_PATH_AS_IS;
  if (const auto wrong = curl_url_set(url.get(), CURLUPART_URL, parts.full.c_str(), flags);
      wrong != CURLUE_OK) {
    return sys::Failure(fmt::format("'{}' is not a URL: {}", text, curl_url_strerror(wrong)));
  }
  parts.scheme = Part(url.get(), CURLUPART_SCHEME);
  if (parts.scheme != "http" && parts.scheme != "https") {
    return sys::Failure(fmt::format("'{}': only http and https", text));
  }
  const auto host = Part(url.get(), CURLUPART_HOST);
  parts.host = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  parts.port = Part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const bool usual = parts.port == (parts.scheme == "http" ? "80" : "443");
  parts.authority = usual ? host : fmt::format("{}:{}", host, parts.port);
  parts.target = Part(url.get(), CURLUPART_PATH);
  if (parts.target.empty()) parts.target.push_back('/');
  if (const auto query = Part(url.get(), CURLUPART_QUERY); !query.empty())
    parts.target.append("?").append(query);
  parts.has_user = !Part(url.get(), CURLUPART_USER).empty() || !Part(url.get(), CURLUPART_PASSWORD).empty();
  return parts;
}

}  // namespace loadgen
