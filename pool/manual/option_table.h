#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

/// What the completions and man pages of the programs are made of.
namespace hydrapool::manual {

/// A program's, or a subcommand's, table of options as text, one entry a line, fields separated by tabs; line
/// ends, tabs and backslashes in fields are \n, \t and \\:
///
///     about   DESCRIPTION
///     footer  EXAMPLES AND NOTES
///     option  NAMES(,-separated)  VALUE(empty: none is taken)  GROUP  DEFAULT  DESCRIPTION
///
/// A positional argument's name has no dash. Hidden options are left out. Pure.
[[nodiscard]] std::string OptionTable(const CLI::App& app);

/// The table, where the command line is `--describe-options` alone: the word that pool/manual/pages uses.
/// `argv[0]` is the program's or the subcommand's name.
[[nodiscard]] std::optional<std::string> TableIfAsked(const CLI::App& app, int argc, const char* const* argv);

}  // namespace hydrapool::manual
