#include "harness/fault/undo.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "harness/fault/network_harm.h"
#include "harness/fault/process_tree.h"
#include "harness/fault/trap.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

bool IsGone(const Undo& undo, int pidfd) {
  pollfd dead{.fd = pidfd, .events = POLLIN, .revents = 0};
  if (::poll(&dead, 1, 0) == 1) return true;
  const auto process = ReadProcess(undo.victim.pid);
  return !process || process->identity != undo.victim;
}

/// Never lowers it: who held it before has taken that back meanwhile, and this one remembers only that.
bool RaiseLimit(const Undo& undo) {
  const auto now = LimitOf(undo.victim.pid, undo.resource);
  const bool is_higher = now && now->soft >= undo.limit.soft;
  return is_higher || SetLimit(undo.victim.pid, undo.resource, undo.limit);
}

/// What else is changed does not go with a process.
bool IsOfAProcess(Undo::Kind kind) {
  return kind == Undo::Kind::kContinue || kind == Undo::Kind::kLimit || kind == Undo::Kind::kEnd ||
         kind == Undo::Kind::kTerm;
}

}  // namespace

bool Undo::Note(const std::string& text, Path& path) {
  if (text.size() > kLongestPath) return false;
  path = {};
  std::ranges::copy(text, path.begin());
  return true;
}

VictimGroup GroupOf(const Undo& undo) { return {undo.scarce, undo.path.data(), undo.from.data()}; }

bool TakeBack(const Undo& undo, int pidfd) {
  if (IsOfAProcess(undo.kind) && IsGone(undo, pidfd)) return true;
  switch (undo.kind) {
    case Undo::Kind::kNothing:
      return true;
    case Undo::Kind::kContinue:
      return sys::SignalPidfd(pidfd, SIGCONT);
    case Undo::Kind::kLimit:
      return RaiseLimit(undo);
    case Undo::Kind::kEnd:
      return sys::SignalPidfd(pidfd, SIGKILL);
    case Undo::Kind::kTerm:
      return sys::SignalPidfd(pidfd, SIGTERM);
    case Undo::Kind::kNetwork:
      return EndHarm(undo.path.data());
    case Undo::Kind::kRemove:
      return ::unlink(undo.path.data()) == 0 || errno == ENOENT;
    case Undo::Kind::kRemoveAll: {
      std::error_code error;
      std::filesystem::remove_all(undo.path.data(), error);
      return !error;
    }
    case Undo::Kind::kTrap:
      ClearTrap(undo.path.data());
      return true;
    case Undo::Kind::kGroup:
      return GroupOf(undo).End();
  }
  return false;
}

}  // namespace hydrapool::harness
