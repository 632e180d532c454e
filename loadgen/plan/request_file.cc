#include "loadgen/plan/request_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "loadgen/plan/base64.h"
#include "loadgen/plan/header_lines.h"
#include "loadgen/plan/http_url.h"
#include "loadgen/plan/line_file.h"
#include "loadgen/plan/target_list.h"
#include "loadgen/plan/url_scheme.h"

namespace hydrapool::loadgen {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 7> kMethods = {"GET",    "HEAD",    "POST", "PUT",
                                                      "DELETE", "OPTIONS", "PATCH"};
constexpr std::uint64_t kMostTurns = 10'000'000;

sys::Result<void> TakeHeaders(const json& value, Target& target) {
  for (const auto& [name, header] : value.items()) {
    if (!header.is_string()) return sys::Failure("a header is not a string");
    auto text = value.is_array() ? header.get<std::string>() : name + ": " + header.get<std::string>();
    if (!IsHeader(text)) return sys::Failure(fmt::format("'{}' is not a header", text));
    target.headers.push_back(std::move(text));
  }
  return {};
}

/// The object of a line, in which no key stands twice: the one before would be lost without a word.
sys::Result<json> ParseObject(const std::string& line) {
  std::vector<std::set<std::string>> open;  // the keys of each object that has not ended
  std::string twice;
  const auto note = [&](int /*depth*/, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second)
      twice = parsed.get<std::string>();
    return true;
  };
  auto object = json::parse(line, note, false);
  if (!object.is_object()) return sys::Failure("not a JSON object");
  if (!twice.empty()) return sys::Failure(fmt::format("\"{}\" is there twice", twice));
  return object;
}

sys::Result<Target> FromJson(const std::string& line) {
  const auto parsed = ParseObject(line);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto& object = *parsed;
  if (object.contains("body") && object.contains("body_base64"))
    return sys::Failure("\"body\" and \"body_base64\" exclude each other");
  Target request;
  for (const auto& [key, value] : object.items()) {
    const bool text = value.is_string();
    if (key == "url" && text) {
      request.url = value.get<std::string>();
    } else if (key == "method" && text) {
      request.method = value.get<std::string>();
    } else if (key == "body" && text) {
      request.body = value.get<std::string>();
    } else if (key == "body_base64" && text) {
      auto bytes = FromBase64(value.get<std::string>());
      if (!bytes) return sys::Failure("\"body_base64\" is not base64 (RFC 4648, with its padding)");
      request.body = Body::AsItIs(std::move(*bytes));
    } else if (key == "headers" && (value.is_object() || value.is_array())) {
      if (auto taken = TakeHeaders(value, request); !taken) return tl::unexpected(taken.error());
    } else if (key == "weight" && value.is_number_unsigned() && IsWeight(value.get<std::uint64_t>())) {
      request.weight = value.get<unsigned>();
    } else {
      return sys::Failure(fmt::format(
          "\"{}\": {} (known are url, method, headers, body, body_base64 and weight)", key, value.dump()));
    }
  }
  if (request.body && !object.contains("method")) request.method = "POST";
  return request;
}

bool IsList(const std::string& line) {
  return line == "[" || line == "[]" || line.starts_with("[{") || line.starts_with("[\"");
}

sys::Result<Target> FromWords(const std::string& line) {
  const auto space = line.find(' ');
  if (IsList(line)) return sys::Failure("a list: a request file has one request a line");
  if (line.starts_with('@')) return sys::Failure("a body is said as JSON, like {\"url\": …, \"body\": …}");
  if (IsMethodAlone(line)) return sys::Failure(fmt::format("{} lacks its URL", line));
  if (space == line.npos) return Target{.url = line};
  Target request{.url = line.substr(line.find_first_not_of(' ', space))};
  request.method = line.substr(0, space);
  if (request.url.find(' ') != line.npos) return sys::Failure("more than METHOD URL");
  return request;
}

sys::Result<Target> Parse(const std::string& line, const HttpUrl& base, Dots dots) {
  auto request = line.starts_with('{') ? FromJson(line) : FromWords(line);
  if (!request) return request;
  if (!IsMethod(request->method)) return sys::Failure(fmt::format("'{}' is not a method", request->method));
  if (!request->body && NeedsBody(request->method)) request->body = "";
  if (request->url.empty()) return sys::Failure("a URL is required");
  const bool relative = !base.full.empty() && !HasScheme(request->url);
  auto url = ParseHttpUrl(request->url, base.full, dots);
  if (!url) return tl::unexpected(url.error());
  request->url = std::move(url->full);
  request->user = relative && url->authority == base.authority ? base.user : url->user;
  return request;
}

}  // namespace

sys::Result<void> FillRequests(const std::string& path, const std::string& base,
                               const std::vector<std::string>& headers, Plan& plan) {
  const auto whole = base.empty() ? HttpUrl{} : ParseHttpUrl(base);
  if (!whole) return tl::unexpected(whole.error());
  const auto lines = ReadLines(path);
  if (!lines) return tl::unexpected(lines.error());
  std::uint64_t turns = 0;
  for (std::size_t i = 0; i < lines->size(); ++i) {
    const std::string line(http::TrimBlanks((*lines)[i]));
    if (line.empty() || line.starts_with('#')) continue;
    auto all = headers;
    auto request = Parse(line, *whole, DotsOf(plan));
    if (!request) return sys::Failure(fmt::format("{}:{}: {}", path, i + 1, request.error().message));
    Replace(all, request->headers);
    request->headers = std::move(all);
    turns += request->weight;
    plan.targets.push_back(std::move(*request));
  }
  if (plan.targets.empty()) return sys::Failure(path + " has no requests");
  if (turns > kMostTurns) {
    return sys::Failure(fmt::format("{}: the weights add up to more than {}", path, kMostTurns));
  }
  return {};
}

bool IsHeader(const std::string& text) {
  const auto colon = text.find_first_of(":;");
  return colon != text.npos && colon > 0 && text.find_first_of(" \t\r\n") > colon &&
         text.find_first_of("\r\n") == text.npos;
}

bool IsMethod(const std::string& text) {
  const auto letter = [](unsigned char c) { return std::isalpha(c) != 0; };
  return !text.empty() && letter(static_cast<unsigned char>(text.front())) &&
         std::ranges::all_of(text, [&](unsigned char c) { return letter(c) || c == '-' || c == '_'; });
}

bool IsMethodAlone(std::string_view text) { return std::ranges::find(kMethods, text) != kMethods.end(); }

bool NeedsBody(const std::string& method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

}  // namespace hydrapool::loadgen
