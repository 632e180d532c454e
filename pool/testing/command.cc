#include "pool/testing/command.h"

#include <poll.h>
#include <signal.h>

#include "pool/sys/program.h"

namespace hydrapool::support {

bool Readable(int fd, std::chrono::milliseconds deadline) {
  pollfd waited{fd, POLLIN, 0};
  return ::poll(&waited, 1, static_cast<int>(deadline.count())) == 1;
}

Command::Command(std::vector<std::string> arguments, const Environment& environment)
    : child_(sys::StartProgram(arguments, {.output = scratch_ / "output", .environment = environment})) {}

bool Command::Ended() const { return Readable(child_.pidfd(), std::chrono::milliseconds(0)); }

Finished Command::Wait(std::chrono::milliseconds deadline) {
  Finished finished;
  finished.in_time = Readable(child_.pidfd(), deadline);
  if (!finished.in_time) {
    child_.Signal(SIGKILL);
    Readable(child_.pidfd(), std::chrono::seconds(10));
  }
  if (const auto status = child_.TryReap()) finished.status = *status;
  finished.output = ReadFile(scratch_ / "output");
  return finished;
}

std::vector<std::string> Harness(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), HYDRAPOOL_BIN_DIR "/harness");
  return arguments;
}

}  // namespace hydrapool::support
