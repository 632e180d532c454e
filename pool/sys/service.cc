#include "pool/sys/service.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys::service {
namespace {

struct Manager {
  UniqueFd fd;
  sockaddr_un address{};
  socklen_t size = 0;
  Nanos watchdog = 0;
};

Manager& Ours() {
  static Manager manager;
  return manager;
}

std::int64_t NumberIn(const char* variable) {
  const char* text = std::getenv(variable);
  const std::string_view digits = text == nullptr ? "" : text;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

// The process that was meant tells the programs that follow, whichever process that is then.
Nanos ReadWatchdog() {
  constexpr std::int64_t kLongest = INT64_MAX / kMicrosecond;
  const bool for_another = std::getenv("WATCHDOG_PID") != nullptr && NumberIn("WATCHDOG_PID") != ::getpid();
  ::unsetenv("WATCHDOG_PID");
  if (for_another) ::unsetenv("WATCHDOG_USEC");
  const std::int64_t period = NumberIn("WATCHDOG_USEC");
  return period > 0 && period <= kLongest ? period * kMicrosecond : 0;
}

}  // namespace

void Open() {
  Manager& manager = Ours();
  const char* variable = std::getenv("NOTIFY_SOCKET");
  const std::string_view path = variable == nullptr ? "" : variable;
  if (manager.fd || path.size() < 2 || path.size() >= sizeof manager.address.sun_path) return;
  if (path[0] != '/' && path[0] != '@') return;
  manager.address.sun_family = AF_UNIX;
  path.copy(manager.address.sun_path, path.size());
  if (path[0] == '@') manager.address.sun_path[0] = '\0';
  manager.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  manager.fd.Reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  manager.watchdog = ReadWatchdog();
}

void Tell(std::string_view assignments) {
  const Manager& manager = Ours();
  if (!manager.fd) return;
  ::sendto(manager.fd.get(), assignments.data(), assignments.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&manager.address), manager.size);
}

Nanos WatchdogPeriod() { return Ours().watchdog; }

}  // namespace hydrapool::sys::service
