#include "loadgen/command/help.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <sstream>
#include <string_view>
#include <vector>

#include "loadgen/report/slo.h"
#include "loadgen/report/terminal_text.h"
#include "pool/manual/mistake.h"
#include "pool/manual/option_table.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kDescriptions = 29;  // the column they begin in

class HelpFormat final : public CLI::Formatter {
 public:
  explicit HelpFormat(const HelpTexts& texts) : texts_(texts) {}

  [[nodiscard]] std::string make_help(const CLI::App* app, std::string /*name*/,
                                      CLI::AppFormatMode /*mode*/) const override {
    auto text =
        Wrap(app->get_description(), kColumns, 0) + "\nUsage: " + texts_.usage + "\n\n" + texts_.examples;
    auto groups = app->get_groups();
    std::rotate(groups.begin(), groups.begin() + 1, groups.end());  // that of --help is made first
    for (const auto& group : groups) text += Group(*app, group);
    return text + "\n" + texts_.notes;
  }

 private:
  static std::string Group(const CLI::App& app, const std::string& group) {
    const auto options = app.get_options([&group](const CLI::Option* o) { return o->get_group() == group; });
    std::string text = "\n" + group + ":\n";
    for (const auto* option : options) text += Line(*option);
    return options.empty() ? "" : text;
  }

  static std::string Line(const CLI::Option& option) {
    std::string names = "  ";
    for (const char c : option.get_positional() ? option.get_name(true, false) : option.get_name(false, true))
      names += c == ',' ? std::string(", ") : std::string(1, c);
    if (const auto value = names.find('{'); value != names.npos) names.replace(value, names.npos, "[=N]");
    if (!option.get_type_name().empty()) names += " " + option.get_type_name();
    auto description = option.get_description();
    if (!option.get_default_str().empty()) description += " (default: " + option.get_default_str() + ")";
    const bool fits = Columns(names) + 2 <= kDescriptions;
    return (fits ? "" : names + "\n") +
           Wrap(Padded(fits ? names : "", kDescriptions) + description, kColumns, kDescriptions);
  }

  HelpTexts texts_;
};

/// The flag if `argument` is one whose objectives may follow it, with or without the first one.
std::string ObjectiveFlag(const std::string& argument) {
  const auto name = argument.substr(0, argument.find('='));
  return name == "--slo" || name == "--abort-on" ? name : "";
}

bool LooksLikeAnObjective(std::string_view argument) {
  if (argument.find_first_of("<>") == argument.npos || argument.starts_with('-')) return false;
  return argument.find("://") == argument.npos || ParseSlo("", argument).has_value();
}

std::vector<std::string> SpreadObjectives(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  std::string flag;    // objectives may follow
  bool value = false;  // of the flag before it
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool another = !value && !flag.empty() && LooksLikeAnObjective(argument);
    if (another) arguments.push_back(flag);
    if (!value && !another) flag = ObjectiveFlag(argument);
    value = !value && !flag.empty() && argument == flag;
    arguments.push_back(argument);
  }
  return arguments;
}

/// Without a value these say something.
constexpr std::array<std::string_view, 3> kMayBeEmpty = {"--data", "--data-template", "--worker-header"};

/// What is empty, as where a script's variable was not set: an option would count as not given, a file would
/// have no name.
std::optional<sys::Error> EmptyValue(const CLI::App& app) {
  for (const auto* option : app.get_options()) {
    const auto name = option->get_name();
    if (std::ranges::find(kMayBeEmpty, name) != kMayBeEmpty.end()) continue;
    const auto& values = option->results();
    if (std::ranges::find(values, "") == values.end()) continue;
    if (!option->get_positional())
      return sys::Error{
          0, fmt::format("{} '' is empty: leave it out, or give {}", name, option->get_type_name())};
    return sys::Error{0, fmt::format("{}{} is empty (''): it is to be {}", values.size() > 1 ? "one of " : "",
                                     name, option->get_description())};
  }
  return std::nullopt;
}

}  // namespace

void SetHelp(CLI::App& app, const HelpTexts& texts) {
  app.footer(std::string(texts.examples) + "\n" + texts.notes);
  app.formatter(std::make_shared<HelpFormat>(texts));
  app.get_help_ptr()->description("print this")->group("Other");
}

std::optional<std::variant<std::string, sys::Error>> ParseArguments(CLI::App& app, int argc,
                                                                    const char* const* argv) {
  if (auto table = manual::TableIfAsked(app, argc, argv)) return std::move(*table);
  auto arguments = SpreadObjectives(argc, argv);
  std::ranges::reverse(arguments);  // so CLI11 wants them
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    std::ostringstream complaint;
    if (app.exit(error, text, complaint) == 0) return text.str();
    return sys::Error{0, manual::Explain(app, error)};
  }
  if (auto empty = EmptyValue(app)) return std::move(*empty);
  return std::nullopt;
}

}  // namespace hydrapool::loadgen
