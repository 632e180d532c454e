#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/http/text.h"

namespace hydrapool::loadgen {

/// The name in "Name: value", in "Name:", which takes a header away, and in "Name;", which sends it empty, as
/// on curl's command line. Pure.
inline std::string_view NameOf(std::string_view header) {
  return header.substr(0, header.find_first_of(":;"));
}

/// The target has a header of that name of its own, or takes it away. Pure.
inline bool Mentions(const Target& target, std::string_view name) {
  for (const auto& header : target.headers) {
    if (http::EqualsIgnoringCase(NameOf(header), name)) return true;
  }
  return false;
}

/// Adds `own`, each in the place of those of its name that were there. Pure.
inline void Replace(std::vector<std::string>& headers, const std::vector<std::string>& own) {
  std::erase_if(headers, [&](const std::string& header) {
    return std::ranges::any_of(
        own, [&](const std::string& mine) { return http::EqualsIgnoringCase(NameOf(header), NameOf(mine)); });
  });
  headers.insert(headers.end(), own.begin(), own.end());
}

}  // namespace hydrapool::loadgen
