#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/fault/pool_status.h"
#include "harness/fault/targets.h"
#include "harness/observe/pool_fates.h"
#include "harness/observe/run_record.h"
#include "pool/sys/error.h"

/// What a pool's admin endpoint says, fetched now: each blocks for at most kPatience, or what it is told.
namespace hydrapool::harness {

constexpr std::chrono::milliseconds kPatience{2000};
/// Of who has faults to take back meanwhile, and tries again (InjectRun).
constexpr std::chrono::milliseconds kShortPatience{100};

[[nodiscard]] sys::Result<PoolStatus> FetchStatus(const std::string& admin,
                                                  std::chrono::milliseconds patience = kPatience);

/// The pool's journal of what became of dead workers' connections, out of /fates.json.
[[nodiscard]] sys::Result<PoolFates> FetchFates(const std::string& admin);

/// The server now: those that the endpoint names, or, where `admin` is empty, `main` and its forks that are
/// workers (worker_kind.h). An Error where there are children and none of them is one.
[[nodiscard]] sys::Result<ServerProcesses> ProcessesNow(const std::string& admin, pid_t main,
                                                        std::chrono::milliseconds patience = kPatience);

/// How the server is now; nullopt where it cannot be seen.
[[nodiscard]] std::optional<ServerState> StateNow(const std::string& admin, pid_t main);

/// The main process of the server that `pid` is of: the one that the endpoint names, or, where `admin` is
/// empty, `pid` itself. With `pid` 0 whosever endpoint it is; else an Error where it is another pool's.
[[nodiscard]] sys::Result<pid_t> MainProcess(pid_t pid, const std::string& admin);

/// An Error where `main` is no process or has no children, or where none of them is a worker.
[[nodiscard]] sys::Result<void> CheckServer(const std::string& admin, pid_t main);
/// The same, and where it or its workers belong to another user and this one may not hurt them. To be asked
/// before a run.
[[nodiscard]] sys::Result<void> CheckVictims(const std::string& admin, pid_t main, bool any_user);
/// Whether the server can have such a target: a supervisor, that slot, programs that this user may see.
[[nodiscard]] sys::Result<void> CheckTarget(const std::string& admin, pid_t main, const Target& target);

}  // namespace hydrapool::harness
