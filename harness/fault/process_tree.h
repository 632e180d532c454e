#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/fault/targets.h"

namespace hydrapool::harness {

/// What /proc/PID/stat says of a process (proc(5)).
struct ProcessInfo {
  Identity identity;
  pid_t parent = 0;
  char state = '?';
  std::string comm;

  /// Running, sleeping or stopped, but not a zombie that waits to be reaped.
  [[nodiscard]] bool alive() const { return state != 'Z' && state != 'X' && state != 'x'; }
};

/// One line of /proc/PID/stat; nullopt where it is not one. Pure. A comm may hold blanks and parentheses:
/// "(a) b".
[[nodiscard]] std::optional<ProcessInfo> ParseStat(std::string_view line);

/// The process of that number as it is now; nullopt if there is none.
[[nodiscard]] std::optional<ProcessInfo> ReadProcess(pid_t pid);

/// Its real uid; nullopt if there is no such process. Not the owner of /proc/PID: that is root for a process
/// that is not dumpable, as a pool's workers are.
[[nodiscard]] std::optional<uid_t> RealUid(pid_t pid);

/// Children of all threads of `parent`, ascending. From /proc/PID/task/*/children, which may miss a child
/// while another one is exiting (proc(5)); from a scan of /proc where the kernel has no such file.
[[nodiscard]] std::vector<pid_t> ChildrenOf(pid_t parent);

/// `pid`, its parent, and so on up to 1.
[[nodiscard]] std::vector<pid_t> WithAncestors(pid_t pid);

/// The living children of `parent` that run the program that it runs: the workers of a pre-fork server, but
/// not the CGI programs that it has adopted. Where an executable may not be read (another user's, or a
/// process that is not dumpable) the names (comm) are compared instead.
[[nodiscard]] std::vector<WorkerView> ForksOf(pid_t parent);

}  // namespace hydrapool::harness
