#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "pool/toml_file.h"

namespace hydrapool::server {

/// In a file or by a variable, not on the command line alone.
inline bool CanBeSet(const CLI::Option& option) {
  return !option.get_lnames().empty() && option.get_configurable();
}

/// What a file may give an option, by the word for its value.
inline TomlWanted WantedOf(const CLI::Option& option) {
  if (option.get_expected_max() == 0) return TomlWanted::kTruth;
  if (option.get_expected_max() > 1) return TomlWanted::kTexts;
  const std::string type = option.get_type_name();  // with what is checked of it: "N:INT in [1 - 256]"
  const auto is = [&type](const std::string& word) { return type == word || type.starts_with(word + ":"); };
  if (is("TIME")) return TomlWanted::kTime;
  const bool integer = is("N") || is("BYTES") || is("OCTAL") || is("NAME[:GROUP]");  // --user 33
  return integer ? TomlWanted::kInteger : TomlWanted::kText;
}

/// The value of such an option, as help shows it and the completions offer it: "{combined|json}".
template <typename Value>
std::string Choice(const std::map<std::string, Value>& names) {
  std::string choice;
  for (const auto& [name, value] : names) choice += (choice.empty() ? "" : "|") + name;
  return "{" + choice + "}";
}

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

/// Looks at a text before CLI::AsSizeValue, which takes "-1" for the largest number there is.
inline CLI::Validator PlainSize() {
  return CLI::Validator(
      [](const std::string& text) {
        constexpr std::size_t kMostDigits = 18;
        const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
        const bool is_size = digits > 0 && digits <= kMostDigits;
        return is_size ? std::string() : "'" + text + "' is no size: 4096, 64KB, 1GB";
      },
      "");
}

}  // namespace hydrapool::server
