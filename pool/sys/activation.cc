#include "pool/sys/activation.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "pool/sys/inheritance.h"
#include "pool/sys/socket.h"

namespace hydrapool::sys::activation {
namespace {

constexpr int kFirst = 3;
constexpr int kMost = 1024;
constexpr const char* kWill = "activated ";

struct Handed {
  std::string name;
  int number = -1;
  UniqueFd fd;  // empty: there is none of this number
};

std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::vector<Handed> Find() {
  std::vector<Handed> found;
  for (auto& [name, fd] : inheritance::TakeAll(kWill)) found.push_back({name, fd.get(), std::move(fd)});
  const std::string pid = TakeVariable("LISTEN_PID");
  const std::string count = TakeVariable("LISTEN_FDS");
  std::istringstream names(TakeVariable("LISTEN_FDNAMES"));
  if (pid != std::to_string(::getpid())) return found;
  const int fds = std::atoi(count.c_str());
  for (int fd = kFirst; fd < kFirst + fds && fd < kFirst + kMost; ++fd) {
    std::string name;
    std::getline(names, name, ':');
    found.push_back({name, fd, UniqueFd(inheritance::SetCloseOnExec(fd, true) ? fd : -1)});
  }
  return found;
}

std::vector<Handed>& Ours() {
  static std::vector<Handed> handed = Find();
  return handed;
}

bool IsStream(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

UniqueFd Prepared(Handed handed) {
  const int fd = handed.fd.get();
  if (!IsListening(fd) || !IsStream(fd)) {
    throw std::runtime_error("LISTEN_FDS: descriptor " + std::to_string(handed.number) + " ('" + handed.name +
                             "') is no listening stream socket");
  }
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // refused where it is no TCP
  inheritance::Leave(kWill + handed.name, fd);
  return std::move(handed.fd);
}

}  // namespace

bool Present() { return !Ours().empty(); }

std::vector<UniqueFd> Take(const std::string& name) {
  std::vector<UniqueFd> taken;
  std::erase_if(Ours(), [&](Handed& handed) {
    if (!name.empty() && handed.name != name) return false;
    taken.push_back(Prepared(std::move(handed)));
    return true;
  });
  if (taken.empty()) {
    throw std::runtime_error("cannot listen on systemd" + (name.empty() ? "" : ":" + name) +
                             ": no such socket was handed over (LISTEN_FDS)");
  }
  return taken;
}

std::vector<std::string> CloseRest() {
  std::vector<std::string> names;
  for (Handed& handed : std::exchange(Ours(), {})) names.push_back(std::move(handed.name));
  return names;
}

}  // namespace hydrapool::sys::activation
