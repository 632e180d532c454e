#include "pool/testing/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

namespace hydrapool::support {

bool Readable(int fd, std::chrono::milliseconds deadline) {
  pollfd waited{fd, POLLIN, 0};
  return ::poll(&waited, 1, static_cast<int>(deadline.count())) == 1;
}

sys::Child StartProgram(const std::vector<std::string>& arguments, const Environment& environment,
                        const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return sys::Child::Fork([&] {
    const int in = ::open("/dev/null", O_RDONLY);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execvp(argv[0], argv.data());
    return 127;
  });
}

Command::Command(std::vector<std::string> arguments, const Environment& environment)
    : child_(StartProgram(arguments, environment, scratch_ / "output")) {}

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
