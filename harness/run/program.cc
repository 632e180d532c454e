#include "harness/run/program.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "pool/sys/await.h"
#include "pool/sys/program.h"

namespace hydrapool::harness {
namespace {

namespace fs = std::filesystem;

sys::ProgramSetting SettingOf(const std::string& log) {
  return {.output = log, .own_group = true, .signal_when_orphaned = SIGTERM};
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

sys::Child StartProgram(const std::vector<std::string>& arguments, const std::string& log,
                        const Environment& environment) {
  sys::ProgramSetting setting = SettingOf(log);
  setting.environment = environment;
  return sys::StartProgram(arguments, setting);
}

sys::Child StartFunction(const std::function<int()>& body, const std::string& log) {
  return sys::StartFunction(body, SettingOf(log));
}

bool EndsWithin(int pidfd, std::chrono::milliseconds timeout) { return sys::Await(pidfd, POLLIN, timeout); }

std::string LastLineOf(const std::string& path) {
  std::string text = ReadFile(path);
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace hydrapool::harness
