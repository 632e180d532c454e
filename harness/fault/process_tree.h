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

/// A child of `parent`, or of a child of it: a pool's parent may itself be a supervisor's child.
[[nodiscard]] bool IsOf(const ProcessInfo& process, pid_t parent);

/// Its real uid; nullopt if there is no such process. Not the owner of /proc/PID: that is root for a process
/// that is not dumpable, as a pool's workers are.
[[nodiscard]] std::optional<uid_t> RealUid(pid_t pid);

/// Children of all threads of `parent`, ascending. From /proc/PID/task/*/children, which may miss a child
/// while another one is exiting (proc(5)); from a scan of /proc where the kernel has no such file.
[[nodiscard]] std::vector<pid_t> ChildrenOf(pid_t parent);

/// All that are in /proc now.
[[nodiscard]] std::vector<pid_t> AllProcesses();

/// `pid`, its parent, and so on up to 1.
[[nodiscard]] std::vector<pid_t> WithAncestors(pid_t pid);

/// Which program a process runs.
struct Program {
  std::string file = {};  ///< Of its executable; empty where that may not be read.
  std::string comm = {};

  /// The same executable; where one of them may not be read, the same name.
  [[nodiscard]] bool SameAs(const Program& other) const {
    return file.empty() || other.file.empty() ? comm == other.comm : file == other.file;
  }
};
[[nodiscard]] std::optional<Program> ReadProgram(pid_t pid);

/// The file of the program that it runs; empty where that may not be read, or there is no such process.
[[nodiscard]] std::string ExecutableOf(pid_t pid);

/// What a process calls itself (/proc/PID/cmdline), its arguments joined by blanks.
[[nodiscard]] std::string TitleOf(pid_t pid);

}  // namespace hydrapool::harness
