#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "harness/fault/pool_status.h"
#include "harness/fault/targets.h"
#include "harness/observe/pool_fates.h"
#include "harness/observe/run_record.h"
#include "pool/sys/error.h"

/// What a pool's admin endpoint says, fetched now: each blocks for at most 2 s.
namespace hydrapool::harness {

[[nodiscard]] sys::Result<PoolStatus> FetchStatus(const std::string& admin);

/// The living workers that the endpoint of `parent` names; an Error where it is another pool's.
[[nodiscard]] sys::Result<std::vector<WorkerView>> WorkersByStatus(const std::string& admin, pid_t parent);

/// The pool's journal of what became of dead workers' connections, out of /fates.json.
[[nodiscard]] sys::Result<PoolFates> FetchFates(const std::string& admin);

/// Who can be hurt now: those that the endpoint names, or, where `admin` is empty, the parent's forks that
/// are workers (worker_kind.h). An Error where there are children and none of them is one.
[[nodiscard]] sys::Result<std::vector<WorkerView>> WorkersNow(const std::string& admin, pid_t parent);

/// `parent`, or where that is 0 the parent whose admin endpoint it is.
[[nodiscard]] sys::Result<pid_t> ParentOr(pid_t parent, const std::string& admin);

/// The process whose children the workers are: where `parent` is a supervisor by its endpoint, the one that
/// it has made; else `parent`.
[[nodiscard]] pid_t WorkersParent(pid_t parent, const std::string& admin);

/// An Error where `parent` is no process or has no children, or where none of them is a worker.
[[nodiscard]] sys::Result<void> CheckServer(const std::string& admin, pid_t parent);
/// The same, and where it or its workers belong to another user and this one may not hurt them. To be asked
/// before a run.
[[nodiscard]] sys::Result<void> CheckVictims(const std::string& admin, pid_t parent, bool any_user);

}  // namespace hydrapool::harness
