#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "pool/sys/clock.h"

/// What faults are measured by: /proc and prlimit(2) of another process. nullopt: it is gone, or this user
/// may not look.
namespace hydrapool::harness {

/// Sets of signals, bit n-1 for signal n.
struct SignalSets {
  std::uint64_t pending = 0;  ///< For the process or its first thread, and not taken yet.
  std::uint64_t blocked = 0;
  std::uint64_t ignored = 0;
  std::uint64_t caught = 0;

  bool operator==(const SignalSets&) const = default;
};
[[nodiscard]] constexpr bool Holds(std::uint64_t set, int signal) { return (set >> (signal - 1) & 1) != 0; }

/// Out of the text of /proc/PID/status. Pure.
[[nodiscard]] std::optional<SignalSets> ParseSignalSets(std::string_view status);
[[nodiscard]] std::optional<SignalSets> ReadSignalSets(pid_t pid);

/// Whether RLIMIT_NPROC does not hold for it: root's, or CAP_SYS_RESOURCE or CAP_SYS_ADMIN (fork(2)).
[[nodiscard]] bool CanExceedLimits(pid_t pid);

/// The lowest descriptor number that is free: what an open would get.
[[nodiscard]] std::optional<std::uint64_t> FirstFreeDescriptor(pid_t pid);

/// Bytes of address space.
[[nodiscard]] std::optional<std::uint64_t> AddressSpaceOf(pid_t pid);

/// The core that it last ran on.
[[nodiscard]] std::optional<int> LastCoreOf(pid_t pid);

/// CPU time of its first thread.
[[nodiscard]] std::optional<sys::Nanos> CpuTimeOf(pid_t pid);

/// CPU time of the process, its threads and the children that it has reaped; in ticks of the kernel's, mostly
/// 10 ms.
[[nodiscard]] std::optional<sys::Nanos> CpuTimeOfAll(pid_t pid);

/// How a process that is not reaped yet ended, as waitpid(2) would tell; nullopt where it is reaped already,
/// or where the kernel does not tell this user.
[[nodiscard]] std::optional<int> WaitStatusOf(pid_t pid);

struct Limit {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;

  bool operator==(const Limit&) const = default;
};
[[nodiscard]] std::optional<Limit> LimitOf(pid_t pid, int resource);
/// False where the kernel refuses.
[[nodiscard]] bool SetLimit(pid_t pid, int resource, const Limit& limit);

}  // namespace hydrapool::harness
