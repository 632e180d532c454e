#include "harness/fault/guard.h"

#include <linux/close_range.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <map>
#include <utility>

#include "pool/sys/await.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {
namespace {

struct Message {
  std::uint64_t id = 0;
  bool forget = false;
  Undo undo = {};
};

struct Remembered {
  Undo undo;
  sys::UniqueFd pidfd;
};

/// False: the other side has closed.
bool Hear(int channel, std::map<std::uint64_t, Remembered>& remembered) {
  Message message;
  const auto got = ::recv(channel, &message, sizeof message, 0);
  if (got < 0 && errno == EINTR) return true;
  if (got != static_cast<ssize_t>(sizeof message)) return false;
  if (message.forget) {
    remembered.erase(message.id);
    return true;
  }
  remembered[message.id] = {.undo = message.undo, .pidfd = sys::OpenPidfd(message.undo.victim.pid)};
  return ::send(channel, &message.id, sizeof message.id, MSG_NOSIGNAL) > 0;
}

void CloseAllBut(int kept) {
  constexpr unsigned kLast = ~0u;
  if (kept > 0) ::close_range(0, static_cast<unsigned>(kept) - 1, 0);
  ::close_range(static_cast<unsigned>(kept) + 1, kLast, 0);
}

/// What cannot be taken back is tried again a second later.
void UndoAll(std::map<std::uint64_t, Remembered>& remembered) {
  constexpr int kTimes = 3;
  for (int i = 0; i < kTimes && !remembered.empty(); ++i) {
    if (i > 0) ::sleep(1);
    std::erase_if(remembered,
                  [](const auto& each) { return TakeBack(each.second.undo, each.second.pidfd.get()); });
  }
}

int StandGuard(int channel, pid_t injector) {
  ::setsid();
  CloseAllBut(channel);
  const sys::UniqueFd injector_end = sys::OpenPidfd(injector);
  std::map<std::uint64_t, Remembered> remembered;
  for (bool lives = static_cast<bool>(injector_end); lives;) {
    std::array<pollfd, 2> waited{{{channel, POLLIN, 0}, {injector_end.get(), POLLIN, 0}}};
    if (::poll(waited.data(), waited.size(), -1) <= 0) continue;
    lives = waited[0].revents != 0 ? Hear(channel, remembered) : waited[1].revents == 0;
  }
  UndoAll(remembered);
  return 0;
}

}  // namespace

Guard::Guard() {
  std::array<int, 2> ends;
  sys::Check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  channel_.Reset(ends[0]);
  const sys::UniqueFd theirs(ends[1]);
  const pid_t injector = ::getpid();
  process_ = sys::Child::Fork([&theirs, injector] { return StandGuard(theirs.get(), injector); });
}

Guard::~Guard() {
  channel_.Reset();
  constexpr std::chrono::seconds kLongEnough(5);
  sys::Await(process_.pidfd(), POLLIN, kLongEnough);
  process_.TryReap();
}

std::uint64_t Guard::Remember(const Undo& undo) {
  const Message message{.id = ++last_id_, .undo = undo};
  std::uint64_t heard = 0;
  ssize_t got = -1;
  if (sys::Check(::send(channel_.get(), &message, sizeof message, MSG_NOSIGNAL), "the guard") > 0) {
    do {
      got = ::recv(channel_.get(), &heard, sizeof heard, 0);
    } while (got < 0 && errno == EINTR);
  }
  if (got != static_cast<ssize_t>(sizeof heard)) sys::ThrowErrno(EPIPE, "the guard");
  return message.id;
}

void Guard::Forget(std::uint64_t id) {
  const Message message{.id = id, .forget = true};
  static_cast<void>(::send(channel_.get(), &message, sizeof message, MSG_NOSIGNAL));
}

}  // namespace hydrapool::harness
