#include "harness/run/yaml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "pool/sys/nearest_name.h"
#include "pool/sys/units.h"

namespace hydrapool::harness::yaml {
namespace {

template <typename Number>
std::optional<Number> Parse(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool IsZeroTime(std::string_view text) {
  return text == "0" || text == "0s" || text == "0ms" || text == "0us" || text == "0m" || text == "0h";
}

}  // namespace

void Fail(const YAML::Node& at, std::string message) {
  throw Mistake{.line = std::max(at.Mark().line, 0) + 1, .message = std::move(message)};
}

Map::Map(const YAML::Node& node, std::string_view what, std::vector<std::string_view> keys)
    : node_(node), what_(what) {
  if (!node.IsMap()) Fail(node, fmt::format("{} must be a map, {{ key: value, … }}", what));
  std::vector<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = Text(entry.first, "a key");
    if (std::ranges::find(keys, key) == keys.end()) {
      const auto nearest = sys::NearestName(key, keys);
      Fail(entry.first, nearest.empty()
                            ? fmt::format("{} has no key '{}', but {}", what, key, fmt::join(keys, ", "))
                            : fmt::format("{} has no key '{}'; did you mean '{}'?", what, key, nearest));
    }
    if (std::ranges::find(seen, key) != seen.end())
      Fail(entry.first, fmt::format("'{}' is there twice", key));
    seen.push_back(key);
  }
}

YAML::Node Map::Required(const char* key) const {
  const YAML::Node value = node_[key];
  if (!value) Fail(node_, fmt::format("{} needs '{}'", what_, key));
  return value;
}

std::string Text(const YAML::Node& node, std::string_view key) {
  if (!node.IsScalar()) Fail(node, fmt::format("{} must be a single value", key));
  return node.Scalar();
}

bool Flag(const YAML::Node& node, std::string_view key) {
  const std::string text = Text(node, key);
  if (text == "true" || text == "on" || text == "yes") return true;
  if (text == "false" || text == "off" || text == "no") return false;
  Fail(node, fmt::format("{}: '{}' is neither true nor false", key, text));
}

std::int64_t Integer(const YAML::Node& node, std::string_view key, std::int64_t least, std::int64_t most) {
  const std::string text = Text(node, key);
  const auto number = Parse<std::int64_t>(text);
  if (!number || *number < least || *number > most)
    Fail(node, fmt::format("{}: '{}' is not a whole number from {} to {}", key, text, least, most));
  return *number;
}

sys::Nanos Duration(const YAML::Node& node, std::string_view key, bool zero_allowed) {
  const std::string text = Text(node, key);
  if (zero_allowed && IsZeroTime(text)) return 0;
  const auto nanos = sys::ParseDuration(text);
  if (!nanos) Fail(node, fmt::format("{}: {}", key, nanos.error().message));
  return *nanos;
}

double Rate(const YAML::Node& node, std::string_view key) {
  const auto rate = sys::ParseRate(Text(node, key));
  if (!rate) Fail(node, fmt::format("{}: {}", key, rate.error().message));
  return *rate;
}

double Part(const YAML::Node& node, std::string_view key) {
  const std::string text = Text(node, key);
  const auto number = Parse<double>(text);
  if (!number || !(*number >= 0 && *number <= 1))
    Fail(node, fmt::format("{}: '{}' is not a part from 0 to 1", key, text));
  return *number;
}

std::vector<std::string> Texts(const YAML::Node& node, std::string_view key) {
  if (!node.IsSequence()) Fail(node, fmt::format("{} must be a list, [a, b, …]", key));
  std::vector<std::string> texts;
  for (const auto& item : node) texts.push_back(Text(item, key));
  return texts;
}

}  // namespace hydrapool::harness::yaml
