#pragma once

#include <sys/types.h>

#include "harness/fault/fault.h"
#include "harness/fault/targets.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {

/// A signal that was sent: when, and the pidfd that becomes readable when its process is dead.
struct Blow {
  sys::UniqueFd pidfd;
  sys::Nanos sent = 0;
};

/// Sends a fault's signal to `victim`, a child of `parent`, and to nobody else.
///
/// The pidfd is opened first; then the process that it stands for is checked, so that no number can be handed
/// on between the check and the signal (pidfd_send_signal(2)). Refused, with an Error that says why: a pid of
/// 1 or less, this process and its ancestors, a process whose start time is not the one that was seen, one
/// that is dead, one of another user, root's right to do so notwithstanding, and whatever is not the parent's
/// child.
[[nodiscard]] sys::Result<Blow> Strike(const Identity& victim, pid_t parent, Fault fault);

}  // namespace hydrapool::harness
