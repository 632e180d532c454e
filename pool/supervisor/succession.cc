#include "pool/supervisor/succession.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>

#include "pool/sys/inheritance.h"

namespace hydrapool {
namespace {

constexpr const char* kWayBack = "way back";

bool IsProgram(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Succession::Succession(std::vector<std::string> arguments, Handed& handed)
    : arguments_(std::move(arguments)),
      self_(::open("/proc/self/exe", O_PATH | O_CLOEXEC)),
      before_(sys::inheritance::Take(kWayBack)),
      handed_(handed) {}

sigset_t Succession::Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU})
    sigaddset(&set, signal);
  return set;
}

std::string Succession::Upgrade() const {
  const std::string& name = arguments_.front();
  if (name.find('/') != name.npos) return IsProgram(name) ? name : "";
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    if (std::string file = directory + "/" + name; IsProgram(file)) return file;
  }
  return "";
}

std::string Succession::Before() const {
  return before_ ? "/proc/self/fd/" + std::to_string(before_.get()) : "";
}

void Succession::LeaveWayBack() {
  if (!std::exchange(way_back_, true)) sys::inheritance::Leave(kWayBack, self_.get());
}

std::vector<char*> Succession::Arguments() const {
  std::vector<char*> argv;
  for (const std::string& argument : arguments_) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return argv;
}

pid_t Succession::StartTrial(const std::string& program) const {
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  sys::inheritance::HandOn(/*on_trial=*/true);
  ::execv(program.c_str(), Arguments().data());
  std::perror(("hydrapool: " + program).c_str());
  ::_exit(127);
}

int Succession::Execute(const std::string& program, std::span<const int> descriptors) const {
  std::fflush(nullptr);
  const sigset_t waited_for = Signals();
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &waited_for, &before);
  descriptors = descriptors.first(std::min(descriptors.size(), handed_.numbers.size()));
  std::ranges::copy(descriptors, handed_.numbers.begin());
  handed_.count = static_cast<std::uint32_t>(descriptors.size());
  for (const int fd : descriptors) sys::inheritance::SetCloseOnExec(fd, false);
  sys::inheritance::HandOn();
  ::execv(program.c_str(), Arguments().data());
  const int error = errno;
  sys::inheritance::HoldBack();
  static_cast<void>(TakeHanded());
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return error;
}

void Succession::TakeBack(std::span<const int> descriptors) const {
  sys::inheritance::HoldBack();
  for (const int fd : descriptors) sys::inheritance::SetCloseOnExec(fd, true);
  handed_.count = 0;
}

void Succession::TakeName() const {
  const std::string name = std::filesystem::path(arguments_.front()).filename();
  ::prctl(PR_SET_NAME, name.c_str());
}

std::vector<int> Succession::TakeHanded() const {
  const auto first = handed_.numbers.begin();
  std::vector<int> numbers(first, first + std::exchange(handed_.count, 0));
  for (const int fd : numbers) sys::inheritance::SetCloseOnExec(fd, true);
  return numbers;
}

}  // namespace hydrapool
