#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/sys/nearest_name.h"

/// Values out of YAML nodes; what is no such value is thrown as a Mistake that names the line and what was
/// meant. Only for a parser that turns Mistakes into its own errors.
namespace hydrapool::harness::yaml {

struct Mistake {
  int line = 0;  ///< 1, 2, 3, …
  std::string message;
};

[[noreturn]] void Fail(const YAML::Node& at, std::string message);

/// A map of which all keys are known.
///
///     const Map fault(node, "a fault", {"fault", "every"});
///     if (const auto every = fault["every"]) spec.every = Duration(every, "every");
class Map {
 public:
  /// Throws where `node` is no map, has another key or the same key twice.
  Map(const YAML::Node& node, std::string_view what, std::vector<std::string_view> keys);

  /// Undefined (false) where the key is absent.
  [[nodiscard]] YAML::Node operator[](const char* key) const { return node_[key]; }
  [[nodiscard]] YAML::Node Required(const char* key) const;
  [[nodiscard]] const YAML::Node& node() const { return node_; }

 private:
  const YAML::Node node_;
  std::string what_;
};

[[nodiscard]] std::string Text(const YAML::Node& node, std::string_view key);
[[nodiscard]] bool Flag(const YAML::Node& node, std::string_view key);
[[nodiscard]] std::int64_t Integer(const YAML::Node& node, std::string_view key, std::int64_t least,
                                   std::int64_t most);
/// "250ms": a unit is required. "0s" is allowed where a time from the start is meant.
[[nodiscard]] sys::Nanos Duration(const YAML::Node& node, std::string_view key, bool zero_allowed = false);
/// "2000", "2000/s" or "30/m": each second. Above 0.
[[nodiscard]] double Rate(const YAML::Node& node, std::string_view key);
/// From 0 to 1.
[[nodiscard]] double Part(const YAML::Node& node, std::string_view key);
[[nodiscard]] std::vector<std::string> Texts(const YAML::Node& node, std::string_view key);

template <typename Enum>
[[nodiscard]] Enum Named(const YAML::Node& node, std::string_view key,
                         const std::map<std::string, Enum>& names) {
  const std::string text = Text(node, key);
  if (const auto found = names.find(text); found != names.end()) return found->second;
  std::vector<std::string_view> all;
  for (const auto& [name, value] : names) all.push_back(name);
  Fail(node, std::string(key) + " " + sys::NoSuchName(text, all));
}

/// What `parse` makes of the text, a sys::Result; its Error follows the key.
template <typename Parse>
[[nodiscard]] auto Parsed(const YAML::Node& node, std::string_view key, Parse parse) {
  auto value = parse(Text(node, key));
  if (!value) Fail(node, std::string(key) + " " + value.error().message);
  return std::move(*value);
}

}  // namespace hydrapool::harness::yaml
