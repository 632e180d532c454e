#include "harness/fault/undo.h"

#include <poll.h>
#include <signal.h>

#include "harness/fault/process_tree.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

bool IsGone(const Undo& undo, int pidfd) {
  pollfd dead{.fd = pidfd, .events = POLLIN, .revents = 0};
  if (::poll(&dead, 1, 0) == 1) return true;
  const auto process = ReadProcess(undo.victim.pid);
  return !process || process->identity != undo.victim;
}

}  // namespace

bool TakeBack(const Undo& undo, int pidfd) {
  if (IsGone(undo, pidfd)) return true;
  switch (undo.kind) {
    case Undo::Kind::kNothing:
      return true;
    case Undo::Kind::kContinue:
      return sys::SignalPidfd(pidfd, SIGCONT);
    case Undo::Kind::kLimit:
      return SetLimit(undo.victim.pid, undo.resource, undo.limit);
    case Undo::Kind::kEnd:
      return sys::SignalPidfd(pidfd, SIGKILL);
  }
  return false;
}

}  // namespace hydrapool::harness
