#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include "harness/command/cli.h"
#include "pool/manual/mistake.h"
#include "pool/manual/option_table.h"

int main(int argc, char** argv) {
  // A reader that leaves ends no run. A handler, for what is ignored the server would inherit.
  std::signal(SIGPIPE, [](int) {});
  CLI::App app{"Hurts a pre-fork server's workers, and checks that its clients did not notice."};
  app.name("harness");
  app.require_subcommand(1);
  int exit_code = hydrapool::harness::kExitDone;
  hydrapool::harness::AddRunCommand(app, exit_code);
  hydrapool::harness::AddAttachCommand(app, exit_code);
  hydrapool::harness::AddInjectCommand(app, exit_code);
  hydrapool::harness::AddReplayCommand(app, exit_code);
  hydrapool::harness::AddEchoCommand(app, exit_code);
  for (const auto* command : app.get_subcommands({})) {
    if (argc < 2 || command->get_name() != argv[1]) continue;
    if (const auto table = hydrapool::manual::TableIfAsked(*command, argc - 1, argv + 1)) {
      fmt::print("{}", *table);
      return hydrapool::harness::kExitDone;
    }
  }
  if (const auto table = hydrapool::manual::TableIfAsked(app, argc, argv)) {
    fmt::print("{}", *table);
    return hydrapool::harness::kExitDone;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return hydrapool::harness::UsageError(
        fmt::format("{} (see harness --help)", hydrapool::manual::Explain(app, error)));
  } catch (const std::exception& error) {
    return hydrapool::harness::UsageError(error.what());
  }
  return exit_code;
}
