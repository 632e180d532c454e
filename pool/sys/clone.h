#pragma once

#include <sys/types.h>

#include <cstddef>

namespace hydrapool::sys {

/// As clone(2) with CLONE_PIDFD and these `flags`, where the child also has the default for each signal that
/// the caller handles (CLONE_CLEAR_SIGHAND); it runs `run` with `argument` on `stack`, whose lowest byte that
/// is, and in `cgroup`, a directory's descriptor, unless that is -1 (CLONE_INTO_CGROUP). -1 and errno where
/// that cannot be: ENOSYS, EPERM or EINVAL without clone3(2) (an older kernel, a sandbox, another processor
/// than x86-64).
pid_t CloneClearingHandlers(int (*run)(void*), void* argument, void* stack, std::size_t size,
                            unsigned long flags, int* pidfd, int cgroup = -1);

}  // namespace hydrapool::sys
