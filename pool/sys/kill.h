#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cerrno>

namespace hydrapool::sys {

/// kill(2) of one process, and of a whole process group. A number that names neither is refused with EINVAL:
/// a pid of 0 is the caller's own group and -1 everybody, and such a number comes easily, from a record that
/// has not been written yet or one that a worker has spoilt. Nothing else in this repository calls kill(2)
/// but for itself.
///
/// Only as long as the process, or the group's leader, is not reaped: then its number may be a stranger's.
inline int Kill(pid_t pid, int signal) {
  if (pid > 0) return ::kill(pid, signal);
  errno = EINVAL;
  return -1;
}
inline int KillGroup(pid_t leader, int signal) {
  if (leader > 1) return ::kill(-leader, signal);
  errno = EINVAL;
  return -1;
}

}  // namespace hydrapool::sys
