#include "harness/run/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

#include "pool/sys/error.h"

namespace hydrapool::harness {
namespace {

namespace fs = std::filesystem;

void BecomeProgram(const std::string& log) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::close(in);
  ::close(out);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

fs::path ProgramDirectory() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

std::string SiblingProgram(const std::string& name) {
  const fs::path beside = ProgramDirectory() / name;
  return ::access(beside.c_str(), X_OK) == 0 ? beside.string() : name;
}

sys::Child StartProgram(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return sys::Child::Fork([&] {
    BecomeProgram(log);
    ::execvp(argv[0], argv.data());
    std::perror(argv[0]);
    return 127;
  });
}

sys::Child StartFunction(const std::function<int()>& body, const std::string& log) {
  return sys::Child::Fork([&] {
    BecomeProgram(log);
    return body();
  });
}

bool EndsWithin(int pidfd, std::chrono::milliseconds timeout) {
  pollfd waited{.fd = pidfd, .events = POLLIN, .revents = 0};
  return ::poll(&waited, 1, static_cast<int>(timeout.count())) == 1;
}

std::string LastLineOf(const std::string& path) {
  std::string text = ReadFile(path);
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace hydrapool::harness
