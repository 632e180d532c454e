#pragma once

#include <sys/types.h>

#include <cstdint>

namespace hydrapool::sys {

/// The bytes in memory that a process shares with nobody: without files and shared memory (statm, proc(5)).
/// 0 where the system does not say.
[[nodiscard]] std::uint64_t OwnMemoryOf(pid_t pid);

}  // namespace hydrapool::sys
