#pragma once

#include <sys/types.h>

#include "pool/sys/clock.h"

namespace hydrapool::sys {

/// The CPU time that a process has used, all its threads, also while it is dead and not reaped. 0: there is
/// no such process. One system call, no file of /proc.
[[nodiscard]] Nanos CpuTime(pid_t pid);

}  // namespace hydrapool::sys
