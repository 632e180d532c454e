#include "loadgen/plan/har_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "loadgen/plan/base64.h"
#include "loadgen/plan/form_text.h"
#include "loadgen/plan/json_words.h"
#include "loadgen/plan/request_file.h"
#include "loadgen/plan/start_time.h"

namespace hydrapool::loadgen {
namespace {

using nlohmann::json;

constexpr std::size_t kEnough = 4096;

/// Those that engines make themselves, and HTTP/2's own.
bool IsMade(std::string name) {
  constexpr std::array<std::string_view, 5> kMade = {"host", "content-length", "connection",
                                                     "transfer-encoding", "keep-alive"};
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name.starts_with(':') || std::ranges::find(kMade, name) != kMade.end();
}

/// Of postData: its text, or a form's fields. An error says why it cannot be known.
sys::Result<std::optional<std::string>> BodyOf(const json& data) {
  if (!data.is_object()) return std::nullopt;
  if (data.contains("text")) {
    auto text = data.at("text").get<std::string>();
    if (data.value("encoding", "") != "base64") return text;
    auto bytes = FromBase64(text);
    if (!bytes) return sys::Failure("its body says that it is base64 and is not");
    return bytes;
  }
  if (!data.contains("params") || data.at("params").empty()) return std::nullopt;
  if (!data.value("mimeType", "").starts_with("application/x-www-form-urlencoded"))
    return sys::Failure("of its body only the fields are there and not the text");
  FormPairs fields;
  for (const auto& each : data.at("params"))
    fields.emplace_back(each.at("name").get<std::string>(), each.value("value", ""));
  return FormText(fields);
}

std::optional<HarEntry> EntryOf(const json& object) {
  const auto& request = object.at("request");
  HarEntry entry{.target = {.url = request.at("url").get<std::string>(),
                            .method = request.at("method").get<std::string>()}};
  if (!entry.target.url.starts_with("http") || !IsMethod(entry.target.method)) return std::nullopt;
  const auto time = ParseStartTime(object.at("startedDateTime").get<std::string>());
  if (!time) throw std::runtime_error(time.error().message);
  entry.time = *time;
  const auto status = object.value("/response/status"_json_pointer, json());
  entry.status = status.is_number_integer() ? status.get<int>() : 0;
  for (const auto& header : request.value("headers", json::array())) {
    const auto name = header.at("name").get<std::string>();
    auto text = name + ": " + header.at("value").get<std::string>();
    if (!IsMade(name) && IsHeader(text)) entry.target.headers.push_back(std::move(text));
  }
  auto body = BodyOf(request.value("postData", json::object()));
  if (!body) {
    entry.lacks = body.error().message;
  } else if (*body) {
    entry.target.body = Body::AsItIs(std::move(**body));
  } else if (NeedsBody(entry.target.method)) {
    entry.target.body = "";
  }
  return entry;
}

}  // namespace

bool LooksLikeHar(std::string_view text) {
  const auto begin = text.substr(0, kEnough);
  const auto brace = begin.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (brace == begin.npos || begin[brace] != '{') return false;
  const auto key = begin.find_first_not_of(" \t\r\n", brace + 1);
  return key != begin.npos && begin.substr(key).starts_with("\"log\"");
}

sys::Result<HarFile> ParseHar(std::string_view text) {
  HarFile file;
  std::size_t number = 0;
  try {
    const auto archive = json::parse(text);
    for (const auto& object : archive.at("log").at("entries")) {
      ++number;
      if (auto entry = EntryOf(object)) {
        file.entries.push_back(std::move(*entry));
      } else {
        ++file.others;
      }
    }
  } catch (const std::exception& error) {
    return number == 0 ? sys::Failure(fmt::format("not an HTTP Archive: {}", JsonWords(error)))
                       : sys::Failure(fmt::format("entry {}: {}", number, JsonWords(error)));
  }
  return file;
}

}  // namespace hydrapool::loadgen
