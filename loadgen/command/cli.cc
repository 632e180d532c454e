#include "loadgen/command/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>

namespace loadgen {

int Complain(ExitCode code, const std::string& line) {
  fmt::print(stderr, "loadgen: {}\n", line);
  return code;
}

std::optional<int> ParseFlags(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    std::ostringstream complaint;
    if (app.exit(error, text, complaint) != 0)
      return Complain(kUsage, fmt::format("{} (see {} --help)", error.what(), app.get_name()));
    fmt::print("{}", text.str());
    return kRan;
  }
  return std::nullopt;
}

}  // namespace loadgen
