#include "pool/manual/mistake.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <vector>

#include "pool/sys/nearest_name.h"

namespace hydrapool::manual {
namespace {

using Names = std::vector<std::string_view>;

std::string Guess(std::string_view word, const Names& names) {
  const auto nearest = sys::NearestName(word, names);
  return nearest.empty() ? "" : fmt::format("{}'{}'?", kDidYouMean, nearest);
}

/// The subcommand that was begun, or the program itself.
const CLI::App& Begun(const CLI::App& app) {
  const auto begun = app.get_subcommands();
  return begun.empty() ? app : *begun.front();
}

std::string NoSuchOption(const CLI::App& app, const std::string& word) {
  const std::string flag = word.substr(0, word.find('='));
  std::vector<std::string> options;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
  }
  const bool is_a_letter = flag.size() <= 2;  // any other letter is as near
  return fmt::format("no such option: {}{}", flag,
                     is_a_letter ? "" : Guess(flag, Names(options.begin(), options.end())));
}

std::string NoSuchCommand(const CLI::App& app, const std::string& word,
                          std::span<const std::string_view> commands) {
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  if (subcommands.empty())
    return fmt::format("unexpected argument: {}{}", word, Guess(word, {commands.begin(), commands.end()}));
  std::vector<std::string> names;
  for (const CLI::App* each : subcommands) names.push_back(each->get_name());
  return "no such command: " + sys::NoSuchName(word, Names(names.begin(), names.end()));
}

/// Of "--every: 1 required TIME missing".
std::optional<std::string> MissingValue(const CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr) return std::nullopt;
  const std::string what = error.what();
  const CLI::Option* option = app.get_option_no_throw(what.substr(0, what.find(':')));
  if (option == nullptr || !what.ends_with(" missing")) return std::nullopt;
  return fmt::format("{} needs a value: {}", option->get_name(), option->get_type_name());
}

}  // namespace

std::string Explain(const CLI::App& app, const CLI::ParseError& error,
                    std::span<const std::string_view> commands) {
  const CLI::App& begun = Begun(app);
  auto left = begun.remaining();
  if (&begun != &app && left.empty()) left = app.remaining();
  const auto is_flag = [](const std::string& word) { return word.size() > 1 && word.starts_with('-'); };
  const auto flag = std::ranges::find_if(left, is_flag);
  const auto word = std::ranges::find_if_not(left, is_flag);
  const bool wants_command = begun.get_require_subcommand_min() > 0 && word != left.end();
  if (flag != left.end() && !wants_command) return NoSuchOption(begun, *flag);
  if (word != left.end()) return NoSuchCommand(begun, *word, commands);
  return MissingValue(begun, error).value_or(error.what());
}

}  // namespace hydrapool::manual
