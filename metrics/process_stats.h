#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

namespace hydrapool::metrics {

/// What a process uses, as Prometheus' standard process_* families report it.
struct ProcessStats {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  ///< since 1970
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;  ///< the soft limit
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t threads = 0;
};

/// Of the calling process; what cannot be read is 0. About 5 µs, but Linux before 6.2 has open
/// descriptors counted one by one, at 0.2 µs each.
[[nodiscard]] ProcessStats ReadProcessStats();

/// The calling process's open descriptors, as ReadProcessStats counts them where the kernel does not say.
[[nodiscard]] std::uint64_t CountDescriptorsOneByOne();

/// What of a process lies in memory; 0 where there is no such process.
[[nodiscard]] std::uint64_t ResidentBytes(pid_t pid);

/// The fields of a line of /proc/PID/stat that are needed here (proc(5)); a program's name may hold spaces
/// and brackets.
struct StatLine {
  std::uint64_t threads = 0;
  std::uint64_t start_ticks = 0;  ///< since boot
  bool operator==(const StatLine&) const = default;
};
[[nodiscard]] StatLine ParseStatLine(std::string_view line);

/// Sizes in pages, the first two fields of /proc/PID/statm.
struct StatmLine {
  std::uint64_t virtual_pages = 0;
  std::uint64_t resident_pages = 0;
  bool operator==(const StatmLine&) const = default;
};
[[nodiscard]] StatmLine ParseStatmLine(std::string_view line);

}  // namespace hydrapool::metrics
