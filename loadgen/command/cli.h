#pragma once

#include <optional>
#include <string>

#include "loadgen/command/exit_code.h"

namespace CLI {
class App;
}

namespace hydrapool::loadgen {

/// "loadgen: LINE" on standard error, fit for a terminal; the code.
int Complain(ExitCode code, const std::string& line);

/// Prints it on standard output; the code, or kNothing, with a complaint, where that failed.
int Print(const std::string& text, ExitCode code);

/// ParseArguments for a subcommand (argv[0] is its name). An exit code where that was all: help was printed,
/// or the flags are wrong and that was said.
std::optional<int> ParseFlags(CLI::App& app, int argc, const char* const* argv);

/// `loadgen merge FILES`, `loadgen compare A B`, `loadgen search URL`, `loadgen import KIND FILE`. Each
/// explains itself with --help.
int ImportCommand(int argc, const char* const* argv);
int MergeCommand(int argc, const char* const* argv);
int CompareCommand(int argc, const char* const* argv);
int SearchCommand(int argc, const char* const* argv);

}  // namespace hydrapool::loadgen
