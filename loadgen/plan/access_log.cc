#include "loadgen/plan/access_log.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "loadgen/plan/request_file.h"
#include "loadgen/plan/start_time.h"

namespace hydrapool::loadgen {
namespace {

using nlohmann::json;

std::optional<sys::Nanos> TimeOf(std::string_view text) {
  const auto time = ParseStartTime(text);
  return time ? std::optional(*time) : std::nullopt;
}

/// "10/Oct/2025:13:55:36 +0200".
std::optional<sys::Nanos> CommonTime(const std::string& text) {
  tm parts{};
  const char* zone = ::strptime(text.c_str(), "%d/%b/%Y:%H:%M:%S ", &parts);
  if (zone == nullptr) return std::nullopt;
  std::array<char, 32> iso{};
  ::strftime(iso.data(), iso.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return TimeOf(std::string(iso.data()) + zone);
}

/// The number that the text begins with; 0 where that is no status.
int StatusOf(std::string_view text) {
  int status = 0;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return status >= 100 && status <= 599 ? status : 0;
}

/// Of what stands in the quotes of a line: \" and \\, and \xHH as nginx writes what is not printable. What
/// has no place in a URL becomes "%0A" and the like.
std::string Unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const auto hex = text.substr(i).starts_with("\\x") ? text.substr(i + 2, 2) : "";
    const auto [stop, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    if (error == std::errc() && stop == hex.data() + 2) {
      const bool printable = code > 0x20 && code < 0x7f;
      plain += printable ? std::string(1, static_cast<char>(code)) : fmt::format("%{:02X}", code);
      i += 3;
    } else {
      const bool escaped = text.substr(i).starts_with("\\\"") || text.substr(i).starts_with("\\\\");
      plain += text[escaped ? ++i : i];
    }
  }
  return plain;
}

/// "GET /a HTTP/1.1".
bool TakeRequestLine(std::string_view text, LoggedRequest& request) {
  const auto space = text.find(' ');
  if (space == text.npos) return false;
  request.method = text.substr(0, space);
  request.target = text.substr(space + 1, text.rfind(" HTTP/") - space - 1);
  return true;
}

bool IsUsable(const LoggedRequest& request) {
  return IsMethod(request.method) &&
         (request.target.starts_with('/') || request.target.starts_with("http://") ||
          request.target.starts_with("https://"));
}

std::optional<LoggedRequest> FromCommon(std::string_view line) {
  const auto open = line.find('[');
  const auto close = line.find(']', open);
  const auto quote = line.find('"', close);
  if (open == line.npos || close == line.npos || quote == line.npos) return std::nullopt;
  auto end = line.find('"', quote + 1);
  while (end != line.npos && line[end - 1] == '\\') end = line.find('"', end + 1);
  LoggedRequest request;
  const auto time = CommonTime(std::string(line.substr(open + 1, close - open - 1)));
  if (!time || end == line.npos ||
      !TakeRequestLine(Unescaped(line.substr(quote + 1, end - quote - 1)), request))
    return std::nullopt;
  request.time = *time;
  request.status = StatusOf(line.substr(std::min(end + 2, line.size())));
  return request;
}

std::string TextOf(const json& object, std::initializer_list<const char*> names) {
  for (const auto* name : names) {
    const auto found = object.find(name);
    if (found != object.end() && found->is_string()) return found->get<std::string>();
  }
  return {};
}

bool TakeTime(const json& object, LoggedRequest& request) {
  for (const auto* name : {"ts", "msec"}) {
    const auto found = object.find(name);
    if (found == object.end()) continue;
    const auto time = found->is_number()   ? TimeOf(fmt::format("{:.6f}", found->get<double>()))
                      : found->is_string() ? TimeOf(found->get<std::string>())
                                           : std::nullopt;
    if (time) {
      request.time = *time;
      return true;
    }
  }
  const auto iso = TextOf(object, {"time_iso8601", "ts", "time", "timestamp", "@timestamp"});
  auto time = TimeOf(iso);
  if (!time) time = CommonTime(TextOf(object, {"time_local"}));
  request.time = time.value_or(0);
  return time.has_value();
}

std::optional<LoggedRequest> FromJson(std::string_view line) {
  const auto object = json::parse(line, nullptr, false);
  LoggedRequest request;
  if (!object.is_object() || !TakeTime(object, request)) return std::nullopt;
  if (const auto status = object.find("status"); status != object.end())
    request.status = StatusOf(status->is_string() ? status->get<std::string>() : status->dump());
  const auto nested = object.find("request");
  if (nested != object.end() && nested->is_string()) {
    if (!TakeRequestLine(nested->get<std::string>(), request)) return std::nullopt;
    return request;
  }
  const auto& parts = nested != object.end() && nested->is_object() ? *nested : object;
  request.method = TextOf(parts, {"method", "request_method"});
  request.target = TextOf(parts, {"uri", "request_uri", "path", "url"});
  return request;
}

}  // namespace

std::optional<LoggedRequest> ParseAccessLine(std::string_view line) {
  auto request = line.starts_with('{') ? FromJson(line) : FromCommon(line);
  return request && IsUsable(*request) ? request : std::nullopt;
}

bool IsSafe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

}  // namespace hydrapool::loadgen
