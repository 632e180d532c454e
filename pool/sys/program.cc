#include "pool/sys/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

namespace hydrapool::sys {
namespace {

void OpenAs(int fd, const std::string& path, int flags) {
  const int opened = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  ::dup2(opened, fd);
  if (opened != fd) ::close(opened);
}

void Settle(const ProgramSetting& setting) {
  constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY;
  if (setting.own_group) ::setpgid(0, 0);
  if (setting.signal_when_orphaned != 0) ::prctl(PR_SET_PDEATHSIG, setting.signal_when_orphaned);
  OpenAs(STDIN_FILENO, "/dev/null", O_RDONLY);
  OpenAs(STDOUT_FILENO, setting.output, kAppend);
  if (setting.errors.empty()) {
    ::dup2(STDOUT_FILENO, STDERR_FILENO);
  } else {
    OpenAs(STDERR_FILENO, setting.errors, kAppend);
  }
  for (const auto& [name, value] : setting.environment) ::setenv(name.c_str(), value.c_str(), 1);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Child StartProgram(const std::vector<std::string>& arguments, const ProgramSetting& setting) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return StartFunction(
      [&argv] {
        ::execvp(argv[0], argv.data());
        std::perror(argv[0]);
        return 127;
      },
      setting);
}

Child StartFunction(const std::function<int()>& body, const ProgramSetting& setting) {
  return Child::Fork([&] {
    Settle(setting);
    return body();
  });
}

}  // namespace hydrapool::sys
