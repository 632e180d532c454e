#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

#include "pool/sys/unique_fd.h"

/// What a server leaves behind when it ends: processes of its group, and those that have made a session of
/// their own, as a daemon does.
namespace hydrapool::harness {

/// A process that lives, held by its pidfd, so that a number that is handed on is nobody's.
struct Leftover {
  pid_t pid = 0;
  sys::UniqueFd pidfd;
};

/// From now on a process whose parent ends becomes a child of this process, if a descendant of it has
/// started it: before the server is started, so that none of it is lost.
void AdoptOrphans();

/// All of that process group but its leader.
[[nodiscard]] std::vector<Leftover> MembersOf(pid_t group);
/// And those that this process has adopted: its children that run neither its own program nor loadgen.
void AddOrphans(std::vector<Leftover>& leftovers);

/// Kills those that do not end of themselves within `patience`, with what they have started, and says who
/// these were.
std::vector<pid_t> EndAll(std::vector<Leftover> leftovers, std::chrono::milliseconds patience);

}  // namespace hydrapool::harness
