#pragma once

#include <string>
#include <vector>

#include "pool/sys/unique_fd.h"

/// Listening sockets that the program's starter has opened for it: sd_listen_fds(3), by LISTEN_PID,
/// LISTEN_FDS and LISTEN_FDNAMES.
///
///     if (activation::Present()) listeners = activation::Take("http");   // FileDescriptorName=http
///
/// Variables that are for another process count for nothing. The first call takes them out of the
/// environment. A program that is executed in this one's place finds the sockets that were taken
/// (inheritance.h), by the same names.
namespace hydrapool::sys::activation {

/// There are sockets that nobody has taken.
[[nodiscard]] bool Present();
/// Those of this name, "" for all that are left; close-on-exec, non-blocking, set as Listen sets its own.
/// Throws std::runtime_error where one of them is no listening stream socket, or there is none.
std::vector<UniqueFd> Take(const std::string& name);
/// The names of those that nobody has taken; they are closed.
std::vector<std::string> CloseRest();

}  // namespace hydrapool::sys::activation
