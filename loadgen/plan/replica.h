#pragma once

#include <functional>
#include <string_view>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// "2/3": the second of three. Pure.
sys::Result<Replica> ParseReplica(std::string_view text);

/// Which replica an orchestrator says this process is; the first that is set:
///
///   LOADGEN_REPLICA                          "2/3", from 1. Docker Swarm: --env
///   LOADGEN_REPLICA={{.Task.Slot}}/3 JOB_COMPLETION_INDEX, LOADGEN_REPLICAS   a Kubernetes Job with
///   completionMode Indexed sets the first, from
///                                            0; the second is how many completions it has
///   SLURM_PROCID, SLURM_NTASKS               a task of srun's, from 0
///
/// `variable` is getenv(3), or stands in for it. Pure but for that.
sys::Result<Replica> ReplicaFromEnvironment(const std::function<const char*(const char*)>& variable);

/// This replica's part of `total` connections: they differ by at most one.
int ConnectionsOf(const Replica& replica, int total);

}  // namespace hydrapool::loadgen
