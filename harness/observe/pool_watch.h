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

/// `parent`, or where that is 0 the parent whose admin endpoint it is.
[[nodiscard]] sys::Result<pid_t> ParentOr(pid_t parent, const std::string& admin);

/// Why `parent` cannot be hurt: no such process, another user's, without children.
[[nodiscard]] sys::Result<void> CheckParent(pid_t parent);

}  // namespace hydrapool::harness
