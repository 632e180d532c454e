#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/fault/targets.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// The CGI programs that run for a worker. They are children of the server's parent, and its control socket
/// (`leases`) tells which worker has the connection of each one's client (REMOTE_ADDR, REMOTE_PORT).
/// Ascending by pid. An Error says what cannot be seen: the server must have been started with --control, and
/// this user must be let in there (root, or the server's own). Blocks for 2 s at most.
[[nodiscard]] sys::Result<std::vector<ProcessView>> ProgramsOf(const ProcessView& worker,
                                                               const ServerProcesses& server);

/// The PATH of "--control PATH" or "--control=PATH" in a command line as /proc/PID/cmdline has it. Pure.
[[nodiscard]] std::optional<std::string> ControlPathIn(std::string_view command_line);
/// The slot for each peer ("127.0.0.1:40112") that a worker holds, out of the lines that `leases` gives.
/// Pure.
[[nodiscard]] std::map<std::string, int> SlotsOfPeers(std::string_view lines);

}  // namespace hydrapool::harness
