#include "loadgen/command/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "loadgen/command/help.h"
#include "loadgen/plan/http_url.h"
#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {

int Complain(ExitCode code, const std::string& line) {
  std::fputs(fmt::format("loadgen: {}\n", Printable(WithoutUsers(line))).c_str(), stderr);
  return code;
}

std::optional<int> ParseFlags(CLI::App& app, int argc, const char* const* argv) {
  const auto ended = ParseArguments(app, argc, argv);
  if (!ended) return std::nullopt;
  if (const auto* error = std::get_if<sys::Error>(&*ended))
    return Complain(kUsage, fmt::format("{} (see {} --help)", error->message, app.get_name()));
  fmt::print("{}", std::get<std::string>(*ended));
  return kRan;
}

}  // namespace hydrapool::loadgen
