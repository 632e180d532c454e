#include "loadgen/engine/step_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "pool/http/text.h"

namespace hydrapool::loadgen {
namespace {

using Json = nlohmann::json;

/// The values of all headers of that name.
std::vector<std::string_view> HeadersOf(std::string_view head, std::string_view name) {
  std::vector<std::string_view> values;
  while (!head.empty()) {
    const auto end = std::min(head.find('\n'), head.size() - 1);
    const auto line = head.substr(0, head.find_last_not_of("\r\n", end) + 1);
    head.remove_prefix(end + 1);
    const auto colon = line.find(':');
    if (colon != line.npos && http::EqualsIgnoringCase(line.substr(0, colon), name))
      values.push_back(http::TrimBlanks(line.substr(colon + 1)));
  }
  return values;
}

std::optional<std::string> HeaderOf(std::string_view head, std::string_view name) {
  const auto values = HeadersOf(head, name);
  return values.empty() ? std::nullopt : std::optional<std::string>(values.front());
}

std::optional<std::string> CookieOf(std::string_view head, std::string_view name) {
  std::optional<std::string> value;
  for (const auto cookie : HeadersOf(head, "Set-Cookie")) {
    const auto pair = cookie.substr(0, cookie.find(';'));
    const auto equals = pair.find('=');
    if (equals != pair.npos && http::TrimBlanks(pair.substr(0, equals)) == name)
      value = http::TrimBlanks(pair.substr(equals + 1));
  }
  return value;
}

std::optional<std::string> JsonOf(const Json& json, const std::string& pointer) {
  try {
    const auto& value = json.at(Json::json_pointer(pointer));
    return value.is_string() ? value.get<std::string>() : value.dump();
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::optional<std::string> MatchOf(const regex_t& regex, const std::string& body) {
  std::array<regmatch_t, 2> found{};
  if (::regexec(&regex, body.c_str(), found.size(), found.data(), 0) != 0) return std::nullopt;
  const auto& match = found[1].rm_so >= 0 ? found[1] : found[0];
  return body.substr(static_cast<std::size_t>(match.rm_so),
                     static_cast<std::size_t>(match.rm_eo - match.rm_so));
}

bool CanBeSent(std::string_view value) {
  return std::ranges::none_of(value, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string_view KindOf(Extraction::From from) {
  constexpr std::array<std::string_view, 4> kKinds = {"JSON at", "header", "match of", "cookie"};
  return kKinds[static_cast<std::size_t>(from)];
}

}  // namespace

StepRules::StepRules(const StepRequest& request) : request_(request) {
  for (const auto& extraction : request.extract) {
    auto& regex = regexes_.emplace_back();
    if (extraction.from != Extraction::From::kRegex) continue;
    auto compiled = std::make_unique<regex_t>();
    if (::regcomp(compiled.get(), extraction.what.c_str(), REG_EXTENDED) != 0)
      throw std::invalid_argument(extraction.what + " is no regular expression");
    regex.reset(compiled.release());
  }
}

std::optional<bool> StepRules::Expects(int status) const {
  const auto& expected = request_.check.status;
  if (expected.empty()) return std::nullopt;
  return std::ranges::find(expected, status) != expected.end();
}

std::optional<std::string> StepRules::Apply(const ResponseText& response,
                                            std::vector<std::string>& values) const {
  const auto& check = request_.check;
  if (!response.whole)
    return fmt::format("a body that cannot be read, or of more than {} bytes", kMostOfBody);
  if (response.body.find(check.contains) == response.body.npos)
    return fmt::format("no '{}' in the body", check.contains);
  const bool json_needed = !check.json.empty() || std::ranges::any_of(request_.extract, [](const auto& each) {
    return each.from == Extraction::From::kJson;
  });
  const auto json = json_needed ? Json::parse(response.body, nullptr, false) : Json();
  for (const auto& [pointer, expected] : check.json) {
    const auto value = JsonOf(json, pointer);
    if (value != expected)
      return fmt::format("JSON at {}: {} instead of {}", pointer, value ? *value : "nothing", expected);
  }
  for (std::size_t i = 0; i < request_.extract.size(); ++i) {
    const auto& [variable, from, what] = request_.extract[i];
    auto value = from == Extraction::From::kJson     ? JsonOf(json, what)
                 : from == Extraction::From::kHeader ? HeaderOf(response.head, what)
                 : from == Extraction::From::kRegex  ? MatchOf(*regexes_[i], response.body)
                                                     : CookieOf(response.head, what);
    if (!value) return fmt::format("no {} {}", KindOf(from), what);
    if (!CanBeSent(*value)) return fmt::format("{} {} has control characters", KindOf(from), what);
    values[variable] = std::move(*value);
  }
  return std::nullopt;
}

}  // namespace hydrapool::loadgen
