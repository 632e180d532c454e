#pragma once

#include <optional>
#include <string>
#include <variant>

#include "pool/sys/error.h"

namespace CLI {
class App;
}

namespace hydrapool::loadgen {

/// What --help says beside the options. Lines of at most 80 columns.
struct HelpTexts {
  const char* usage;     ///< "loadgen [OPTIONS] URL..."
  const char* examples;  ///< One a line.
  const char* notes;     ///< What the options have in common; exit codes.
};

/// Gives a program's --help its form: what it is for (the app's description), usage, examples, its options by
/// their groups, notes, all of it in 80 columns. `texts` must outlive the app.
void SetHelp(CLI::App& app, const HelpTexts& texts);

/// Reads the command line. nullopt: it is in order. A text is to be printed, and that was all (--help,
/// --version). Several objectives may follow one flag: --slo 'p99<50ms' 'errors<1%' is read as --slo
/// 'p99<50ms' --slo 'errors<1%'.
std::optional<std::variant<std::string, sys::Error>> ParseArguments(CLI::App& app, int argc,
                                                                    const char* const* argv);

}  // namespace hydrapool::loadgen
