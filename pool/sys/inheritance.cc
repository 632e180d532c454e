#include "pool/sys/inheritance.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "pool/sys/socket.h"

namespace hydrapool::sys::inheritance {
namespace {

constexpr const char* kVariable = "HYDRAPOOL_INHERITED";
constexpr const char* kTrial = "HYDRAPOOL_ON_TRIAL";

struct Legacy {
  std::string name;
  int fd = -1;
  bool listens = false;
};

struct Will {
  std::vector<Legacy> found;
  std::vector<Legacy> left;
  bool on_trial = false;

  Will() {
    if (const char* text = std::getenv(kVariable)) {
      std::istringstream lines(text);
      Legacy legacy;
      while (lines >> legacy.fd && lines.ignore() && std::getline(lines, legacy.name))
        if (SetCloseOnExec(legacy.fd, true))
          found.push_back({legacy.name, legacy.fd, IsListening(legacy.fd)});
    }
    on_trial = std::getenv(kTrial) != nullptr;
    ::unsetenv(kVariable);
    ::unsetenv(kTrial);
  }
};

Will& Ours() {
  static Will will;
  return will;
}

}  // namespace

bool SetCloseOnExec(int fd, bool on) { return ::fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) == 0; }

void Leave(const std::string& name, int fd) { Ours().left.push_back({name, fd, IsListening(fd)}); }

UniqueFd Take(const std::string& name) {
  auto& found = Ours().found;
  const auto legacy = std::ranges::find(found, name, &Legacy::name);
  if (legacy == found.end()) return {};
  UniqueFd fd(legacy->fd);
  found.erase(legacy);
  return fd;
}

std::vector<std::pair<std::string, UniqueFd>> TakeAll(std::string_view prefix) {
  std::vector<std::pair<std::string, UniqueFd>> taken;
  std::erase_if(Ours().found, [&](const Legacy& legacy) {
    if (!legacy.name.starts_with(prefix)) return false;
    taken.emplace_back(legacy.name.substr(prefix.size()), UniqueFd(legacy.fd));
    return true;
  });
  return taken;
}

std::vector<UniqueFd> TakeListening() {
  std::vector<UniqueFd> sockets;
  std::erase_if(Ours().found, [&sockets](const Legacy& legacy) {
    if (legacy.listens) sockets.emplace_back(legacy.fd);
    return legacy.listens;
  });
  return sockets;
}

bool OnTrial() { return Ours().on_trial; }

void HandOn(bool on_trial) {
  std::ostringstream lines;
  for (const Legacy& legacy : Ours().left) {
    if (legacy.listens != IsListening(legacy.fd) || !SetCloseOnExec(legacy.fd, false)) continue;
    lines << legacy.fd << ' ' << legacy.name << '\n';
  }
  ::setenv(kVariable, lines.str().c_str(), 1);
  if (on_trial) ::setenv(kTrial, "1", 1);
}

void HoldBack() {
  for (const Legacy& legacy : Ours().left) SetCloseOnExec(legacy.fd, true);
  ::unsetenv(kVariable);
}

}  // namespace hydrapool::sys::inheritance
