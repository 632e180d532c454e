#include "loadgen/command/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "loadgen/command/help.h"
#include "loadgen/command/output_files.h"
#include "loadgen/plan/http_url.h"
#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {

int Complain(ExitCode code, const std::string& line) {
  std::fputs(fmt::format("loadgen: {}\n", Printable(WithoutUsers(line))).c_str(), stderr);
  return code;
}

int Print(const std::string& text, ExitCode code) {
  const auto put = Put(text, stdout, "cannot write standard output");
  return put ? code : Complain(kNothing, put.error().message);
}

std::optional<int> ParseFlags(CLI::App& app, int argc, const char* const* argv) {
  const auto ended = ParseArguments(app, argc, argv);
  if (!ended) return std::nullopt;
  if (const auto* error = std::get_if<sys::Error>(&*ended))
    return Complain(kUsage, fmt::format("{} (see {} --help)", error->message, app.get_name()));
  return Print(std::get<std::string>(*ended), kRan);
}

}  // namespace hydrapool::loadgen
