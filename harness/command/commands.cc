#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "harness/command/cli.h"
#include "pool/manual/mistake.h"
#include "pool/manual/option_table.h"

namespace hydrapool::harness {

int Main(int argc, char** argv) {
  CLI::App app{"Hurts a pre-fork server's workers, and checks that its clients did not notice."};
  app.name("harness");
  app.require_subcommand(1);
  int exit_code = kExitDone;
  AddRunCommand(app, exit_code);
  AddAttachCommand(app, exit_code);
  AddInjectCommand(app, exit_code);
  AddReplayCommand(app, exit_code);
  AddEchoCommand(app, exit_code);
  for (const auto* command : app.get_subcommands({})) {
    if (argc < 2 || command->get_name() != argv[1]) continue;
    if (const auto table = manual::TableIfAsked(*command, argc - 1, argv + 1)) {
      fmt::print("{}", *table);
      return kExitDone;
    }
  }
  if (const auto table = manual::TableIfAsked(app, argc, argv)) {
    fmt::print("{}", *table);
    return kExitDone;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return UsageError(fmt::format("{} (see harness --help)", manual::Explain(app, error)));
  } catch (const std::exception& error) {
    return UsageError(error.what());
  }
  return exit_code;
}

}  // namespace hydrapool::harness
