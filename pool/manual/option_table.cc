#include "pool/manual/option_table.h"

#include <CLI/CLI.hpp>
#include <string_view>

namespace hydrapool::manual {
namespace {

std::string Field(std::string_view text) {
  std::string field;
  for (const char c : text) {
    switch (c) {
      case '\n':
        field += "\\n";
        break;
      case '\t':
        field += "\\t";
        break;
      case '\\':
        field += "\\\\";
        break;
      default:
        field += c;
    }
  }
  return field;
}

/// "--once,--dry-run" of "--once,--dry-run{10}": CLI11 shows what a flag stands for.
std::string NamesOf(const CLI::Option& option) {
  std::string names;
  bool value = false;
  for (const char c : option.get_name(option.get_positional(), !option.get_positional())) {
    value = c == '{' || (value && c != '}');
    if (!value && c != '}') names += c;
  }
  return names;
}

std::string Line(const CLI::Option& option) {
  const bool positional = option.get_positional();
  const bool flag = option.get_items_expected_max() == 0;
  auto value = option.get_type_name();
  if (value.empty() && !flag && !positional) value = "VALUE";
  return "option\t" + Field(NamesOf(option)) + "\t" + Field(flag ? "" : value) + "\t" +
         Field(option.get_group()) + "\t" + Field(option.get_default_str()) + "\t" +
         Field(option.get_description()) + "\n";
}

}  // namespace

std::string OptionTable(const CLI::App& app) {
  auto text = "about\t" + Field(app.get_description()) + "\nfooter\t" + Field(app.get_footer()) + "\n";
  for (const auto* option : app.get_options()) {
    if (!option->get_group().empty()) text += Line(*option);
  }
  return text;
}

std::optional<std::string> TableIfAsked(const CLI::App& app, int argc, const char* const* argv) {
  if (argc != 2 || std::string_view(argv[1]) != "--describe-options") return std::nullopt;
  return OptionTable(app);
}

}  // namespace hydrapool::manual
