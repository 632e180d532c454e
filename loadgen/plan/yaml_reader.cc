#include "loadgen/plan/yaml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "pool/sys/units.h"

namespace hydrapool::loadgen::yaml {

void Fail(const Node& at, std::string message) {
  throw Mistake{.line = at.Mark().line + 1, .message = std::move(message)};
}

void Keys(const Node& map, std::string_view what, std::initializer_list<std::string_view> known) {
  if (!map.IsMap()) Fail(map, fmt::format("{} is no map", what));
  std::set<std::string> seen;
  for (const auto& pair : map) {
    const auto key = pair.first.as<std::string>();
    if (!seen.insert(key).second) Fail(pair.first, fmt::format("'{}' is there twice", key));
    if (std::ranges::find(known, key) == known.end())
      Fail(pair.first,
           fmt::format("'{}' is not known of {} (known are {})", key, what, fmt::join(known, ", ")));
  }
}

std::string Text(const Node& node, std::string_view what) {
  if (!node.IsScalar()) Fail(node, fmt::format("{} is no text", what));
  return node.Scalar();
}

std::uint64_t Number(const Node& node, std::string_view what, std::uint64_t most) {
  std::uint64_t number = 0;
  if (!node.IsScalar() || !YAML::convert<std::uint64_t>::decode(node, number) || number < 1 || number > most)
    Fail(node, fmt::format("{} is no number from 1 to {}", what, most));
  return number;
}

sys::Nanos Duration(const Node& node) { return Or(sys::ParseDuration(Text(node, "a time")), node); }

}  // namespace hydrapool::loadgen::yaml
