#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

/// What people write in YAML, read strictly. Each function throws a Mistake that knows the line.
namespace hydrapool::loadgen::yaml {

using Node = YAML::Node;

struct Mistake {
  int line;  ///< From 1.
  std::string message;
};

[[noreturn]] void Fail(const Node& at, std::string message);
/// It is a map with none but the known keys, each at most once. `what` is for the message.
void Keys(const Node& map, std::string_view what, std::initializer_list<std::string_view> known);
std::string Text(const Node& node, std::string_view what);
std::uint64_t Number(const Node& node, std::string_view what, std::uint64_t most);
sys::Nanos Duration(const Node& node);

template <typename T>
T Or(const sys::Result<T>& result, const Node& at) {
  if (!result) Fail(at, result.error().message);
  return *result;
}

}  // namespace hydrapool::loadgen::yaml
