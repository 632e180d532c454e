#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <string_view>
#include <thread>
#include <tuple>

#include "loadgen/command/cli.h"
#include "loadgen/command/options.h"
#include "loadgen/command/run_command.h"
#include "loadgen/command/secrets.h"

namespace hydrapool::loadgen {
namespace {

/// Puts something in the place of closed standard streams, so that no file or socket gets their numbers. What
/// is written to it fails.
void OccupyStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) std::ignore = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int Main(int argc, const char* const* argv) {
  OccupyStandardStreams();
  std::signal(SIGPIPE, SIG_IGN);
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "merge") return MergeCommand(argc - 1, argv + 1);
  if (first == "compare") return CompareCommand(argc - 1, argv + 1);
  if (first == "import") return ImportCommand(argc - 1, argv + 1);
  if (first == "search") return SearchCommand(argc - 1, argv + 1);
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  const auto command = ParseCommandLine(argc, argv, cores);
  if (const auto* text = std::get_if<std::string>(&command)) return Print(*text, kRan);
  if (const auto* error = std::get_if<hydrapool::sys::Error>(&command))
    return Complain(kUsage, error->message + " (see --help)");
  return RunCommand(std::get<Options>(command));
}

}  // namespace
}  // namespace hydrapool::loadgen

int main(int argc, char** argv) {
  try {
    const hydrapool::loadgen::PrivateArguments arguments(argc, argv);
    return hydrapool::loadgen::Main(argc, arguments.argv());
  } catch (const std::exception& error) {
    return hydrapool::loadgen::Complain(hydrapool::loadgen::kNothing, error.what());
  }
}
