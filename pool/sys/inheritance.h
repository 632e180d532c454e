#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pool/sys/unique_fd.h"

/// What a program leaves to the one that it executes in its own place (execve(2)): descriptors, by name.
///
///     inheritance::Leave("memory", heap.fd());         // any time before
///     inheritance::HandOn(); … ::execve(program, …)    // and at the end
///     UniqueFd heap = inheritance::Take("memory");     // in the program that follows; empty: nothing was
///     left
///
/// The names and numbers travel in the environment, out of which the first call takes them. Not for several
/// threads.
namespace hydrapool::sys::inheritance {

/// Noted, not owned; a name may stand for several. A listening socket that is closed meanwhile is not left.
void Leave(const std::string& name, int fd);
/// The first that was left under this name, closed on exec again.
UniqueFd Take(const std::string& name);
/// All whose name begins so, by the rest of their names.
std::vector<std::pair<std::string, UniqueFd>> TakeAll(std::string_view prefix);
/// The listening sockets that nobody has taken, and nobody will.
std::vector<UniqueFd> TakeListening();

/// False: it is closed.
bool SetCloseOnExec(int fd, bool on);

/// Makes all that is left survive an exec, and names it in the environment. `on_trial`: as OnTrial tells.
void HandOn(bool on_trial = false);
/// After an exec that has failed.
void HoldBack();

/// This program is only to find out whether it could follow: it takes what is left, serves nobody, and ends.
[[nodiscard]] bool OnTrial();

}  // namespace hydrapool::sys::inheritance
