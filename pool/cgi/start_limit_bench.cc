// How many programs this machine can start in a second, with nothing else to do:
//   start_limit_bench PROGRAM AT_ONCE SECONDS
// Each is started by vfork and execve with a pipe as its output, which is read to its end, and then reaped.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "pool/sys/clock.h"

namespace {

struct Running {
  pid_t pid = -1;
  int output = -1;
};

Running StartOne(const char* program) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), 0) != 0) std::exit(1);
  std::array<char*, 2> argv{const_cast<char*>(program), nullptr};
  std::array<char*, 1> envp{nullptr};
  const pid_t pid = ::vfork();
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execve(program, argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  if (pid < 0) std::exit(1);
  return {pid, ends[0]};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: start_limit_bench PROGRAM AT_ONCE SECONDS\n");
    return 2;
  }
  const auto at_once = static_cast<std::size_t>(std::atoi(argv[2]));
  const auto length = std::atoi(argv[3]) * hydrapool::sys::kSecond;
  std::vector<Running> running(at_once);
  std::vector<pollfd> outputs(at_once);
  const hydrapool::sys::Nanos begun = hydrapool::sys::Now();
  for (std::size_t i = 0; i < at_once; ++i) {
    running[i] = StartOne(argv[1]);
    outputs[i] = {running[i].output, POLLIN, 0};
  }
  long done = 0;
  while (hydrapool::sys::Now() - begun < length) {
    ::poll(outputs.data(), outputs.size(), -1);
    for (std::size_t i = 0; i < at_once; ++i) {
      if (outputs[i].revents == 0) continue;
      std::array<char, 4096> dropped;
      if (::read(outputs[i].fd, dropped.data(), dropped.size()) > 0) continue;
      int status = 0;
      ::close(outputs[i].fd);
      if (::waitpid(running[i].pid, &status, 0) < 0 || status != 0) return 1;
      ++done;
      running[i] = StartOne(argv[1]);
      outputs[i] = {running[i].output, POLLIN, 0};
    }
  }
  const double seconds = static_cast<double>(hydrapool::sys::Now() - begun) / 1e9;
  std::printf("%.0f\n", static_cast<double>(done) / seconds);
  return 0;
}
