#include "pool/option_sources.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <utility>

#include "pool/manual/mistake.h"
#include "pool/option_names.h"
#include "pool/site_tables.h"
#include "pool/toml_file.h"

namespace hydrapool::server {
namespace {

const std::string kVariables = "HYDRAPOOL_";

std::string Variable(const std::string& option) {
  std::string name = kVariables + option;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

/// One that is empty counts for none.
const char* FromEnvironment(const std::string& option) {
  const char* const value = std::getenv(Variable(option).c_str());
  return value == nullptr || *value == '\0' ? nullptr : value;
}

/// The name stands in `text` by itself: "--cgi" is not in "--cgi-dir".
bool Names(const std::string& text, const std::string& name) {
  const auto is_of_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; };
  for (auto at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    const auto end = at + name.size();
    if (end == text.size() || !is_of_name(text[end])) return true;
  }
  return false;
}

bool IsNumber(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// What stands behind the "=" of a TOML file for an option's default; where it has none, its kind of value.
std::string TomlOf(const CLI::Option& option) {
  std::string value = option.get_default_str();
  if (option.get_expected_max() == 0) return value.empty() ? "false" : value;
  if (value.empty()) {
    value = option.get_type_name();
    if (value.ends_with(']')) value.resize(std::min(value.find(":INT in ["), value.size()));
  }
  if (IsNumber(value)) return value;
  const bool listed = value.starts_with('[') && value.ends_with(']');
  if (listed) value = value.substr(1, value.size() - 2);
  value = fmt::format("\"{}\"", value);
  return listed || option.get_expected_max() > 1 ? "[" + value + "]" : value;
}

/// The teaching code's way to say --listen, as it was written; nothing where it was not.
std::optional<std::string> ListenInTwoWords(const CLI::App& app) {
  const CLI::Option* const ip = app.get_option_no_throw("IP");
  if (ip == nullptr || ip->count() == 0) return std::nullopt;
  return ip->as<std::string>() + " " + app.get_option("PORT")->as<std::string>();
}

/// Lines of at most 100 characters, each behind a "# ".
std::string Comment(std::string_view text) {
  constexpr std::size_t kWidth = 98;
  std::string lines;
  while (text.size() > kWidth) {
    const auto space = std::min(text.rfind(' ', kWidth), text.size());
    lines += fmt::format("# {}\n", text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return lines + fmt::format("# {}\n", text);
}

}  // namespace

OptionSources::OptionSources(const CLI::App& app, std::vector<std::string> arguments)
    : app_(app), arguments_(std::move(arguments)) {}

// What follows each "--name" or "--name="; nothing where it is not there.
std::optional<std::string> OptionSources::OnCommandLine(const std::string& name) const {
  const std::string flag = "--" + name;
  std::optional<std::string> values;
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    const std::string& argument = arguments_[i];
    const bool joined = argument.starts_with(flag + "=");
    if (argument != flag && !joined) continue;
    const bool followed = i + 1 < arguments_.size() && !arguments_[i + 1].starts_with("--");
    const std::string value = joined     ? argument.substr(flag.size() + 1)
                              : followed ? arguments_[i + 1]
                                         : "true";
    values = values ? *values + " " + value : value;
  }
  return values;
}

std::string OptionSources::File() const {
  if (const auto given = OnCommandLine("config")) return *given;
  const char* const named = FromEnvironment("config");
  return named == nullptr ? "" : named;
}

std::vector<std::string> OptionSources::Arguments() const {
  std::vector<std::string> arguments = arguments_;
  if (!File().empty() && !OnCommandLine("config")) arguments.push_back("--config=" + File());
  for (const CLI::Option* option : app_.get_options()) {
    if (!CanBeSet(*option)) continue;
    const std::string& name = option->get_lnames().front();
    const char* const value = FromEnvironment(name);
    if (value != nullptr && !OnCommandLine(name)) arguments.push_back("--" + name + "=" + value);
  }
  std::ranges::reverse(arguments);
  return arguments;
}

std::vector<std::string> OptionSources::Unknown() const {
  // For tests, and from a program to the one that follows it.
  std::vector<std::string> known{"HYDRAPOOL_CONFIG", "HYDRAPOOL_FAILPOINTS", "HYDRAPOOL_INHERITED",
                                 "HYDRAPOOL_ON_TRIAL"};
  for (const CLI::Option* option : app_.get_options()) {
    if (CanBeSet(*option)) known.push_back(Variable(option->get_lnames().front()));
  }
  std::vector<std::string> unknown;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::string name(text.substr(0, text.find('=')));
    if (name.starts_with(kVariables) && std::ranges::find(known, name) == known.end())
      unknown.push_back(name);
  }
  return unknown;
}

// Keys of a table are no options.
std::optional<OptionSources::Line> OptionSources::FindInFile(std::string_view name) const {
  const auto tables = std::dynamic_pointer_cast<SiteTables>(app_.get_config_formatter_base());
  if (!tables) return std::nullopt;
  for (const TomlEntry& entry : tables->entries()) {
    const bool is_option = entry.heading.empty() || entry.key.empty();
    if (is_option && entry.name() == name) return Line{entry.line, entry.value ? entry.value->Written() : ""};
  }
  return std::nullopt;
}

std::string OptionSources::Explain(const CLI::ParseError& error) const {
  if (dynamic_cast<const SiteTables::Fault*>(&error) != nullptr) {
    std::string lines;
    std::istringstream faults(error.what());
    for (std::string fault; std::getline(faults, fault);)
      lines += fmt::format("{}{}:{}", lines.empty() ? "" : "\nhydrapool: ", File(), fault);
    return lines;
  }
  constexpr std::array<std::string_view, 2> kCommands{"config", "ctl"};
  const std::string what = manual::Explain(app_, error, kCommands);
  for (const CLI::Option* option : app_.get_options()) {
    if (!CanBeSet(*option)) continue;
    const std::string& name = option->get_lnames().front();
    if (!Names(what, "--" + name) || OnCommandLine(name)) continue;
    if (FromEnvironment(name) != nullptr) return fmt::format("{}: {}", Variable(name), what);
    if (const auto line = FindInFile(name))
      return fmt::format("{}:{}: {}: {}", File(), line->number, name, what);
  }
  return what;
}

std::string OptionSources::Reference() const {
  std::string text =
      "# The options of hydrapool --config FILE, each with its default. What stands behind no \"#\" is in "
      "force;\n"
      "# \"hydrapool --config FILE --check\" says whether all is well, HUP to the server takes it over.\n";
  for (const CLI::Option* option : app_.get_options()) {
    if (!CanBeSet(*option)) continue;
    text += "\n" + Comment(option->get_description());
    text += fmt::format("#{} = {}\n", option->get_lnames().front(), TomlOf(*option));
  }
  return text + R"(
# Mounts may also be tables, behind all options; only path, kind and target must be there:
# [[mount]]
# path = "/wiki"
# kind = "program"
# target = "/usr/lib/cgi-bin/wiki"
# host = "wiki.example.org"
# timeout = "10m"
# user = "wiki"
# max-cgi = 4
# env = ["WIKI_ROOT=/srv/wiki"]
# limit = ["cpu=10s", "as=512M"]
# require = "/etc/wiki.htpasswd"
# allow = ["joe", "@admins"]
)";
}

std::string OptionSources::Describe() const {
  std::string text;
  for (const CLI::Option* option : app_.get_options()) {
    if (!CanBeSet(*option)) continue;
    const std::string& name = option->get_lnames().front();
    std::string value = option->get_default_str();
    std::string from = "default";
    const auto in_two_words = name == "listen" ? ListenInTwoWords(app_) : std::nullopt;
    if (const auto given = in_two_words ? in_two_words : OnCommandLine(name)) {
      value = *given;
      from = "command line";
    } else if (const char* const variable = FromEnvironment(name)) {
      value = variable;
      from = Variable(name);
    } else if (const auto line = FindInFile(name)) {
      value = line->value;
      from = fmt::format("{}:{}", File(), line->number);
    }
    text += fmt::format("{:<22} {:<28} {}\n", name, value.empty() ? "-" : value, from);
    const auto tables = name == "mount" && from != "command line" ? FindInFile("[[mount]]") : std::nullopt;
    if (tables) text += fmt::format("{:<22} {:<28} {}:{}\n", name, "[[mount]]", File(), tables->number);
  }
  for (const std::string& name : Unknown()) text += fmt::format("{:<22} {:<28} names no option\n", "-", name);
  return text;
}

}  // namespace hydrapool::server
