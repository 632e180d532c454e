#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// A process that was found by its number, and is held by what stays its own.
struct FoundProcess {
  pid_t pid = 0;
  UniqueFd pidfd;
};

/// The living processes below `root`, children before grandchildren, at most `most`: also those that have
/// left its process group or session. Not found: one whose parent has died meanwhile (it is its subreaper's
/// child then), and one that is born while this looks. Needs /proc/PID/task/TID/children.
std::vector<FoundProcess> Descendants(pid_t root, std::size_t most);

/// A signal to `root`, its process group, and all of the living below it that have left that group: these are
/// remembered in `below`, so that what is found once gets later signals too, wherever it is by then. To each
/// once. Only as long as `root` is not reaped.
void SignalTree(pid_t root, std::vector<FoundProcess>& below, int signal);

/// Whose child a process is, a zombie too; 0: there is none, or /proc is missing.
pid_t ParentOf(pid_t pid);

}  // namespace hydrapool::sys
