#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace hydrapool::server {

/// For an option that is one of several names: what each stands for, or one line that lists them.
template <typename Value>
CLI::Validator OneOf(const std::map<std::string, Value>& names) {
  std::map<std::string, Value> known = names;
  CLI::CheckedTransformer transform(names);
  return CLI::Validator(
      [known = std::move(known), transform = std::move(transform)](std::string& text) mutable {
        if (known.contains(text)) return transform(text);
        std::string list;
        for (const auto& [name, value] : known) list += (list.empty() ? "" : ", ") + name;
        return "'" + text + "' is none of " + list;
      },
      "");
}

}  // namespace hydrapool::server
