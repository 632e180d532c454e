#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hydrapool::sys {

/// How often the kernel has killed a process for want of memory, to tell such a death from anybody's SIGKILL.
///
///     OomKills kills(OomKillFile());
///     // a child has died by SIGKILL, which we have not sent
///     if (kills.ExplainsOne()) …  // it was the kernel
///
/// The count is that of this process's memory cgroup (cgroup v2: memory.events, v1: memory.oom_control),
/// whose children must be in it; else the whole machine's (/proc/vmstat), where a kill elsewhere can be taken
/// for one's own. The kernel counts before it kills. Each kill explains one death.
class OomKills {
 public:
  /// What is remembered; in shared memory, so that a new parent goes on with it. Of another file it is
  /// nothing: counts of two cgroups do not compare.
  struct Memory {
    std::uint64_t device = 0;  ///< of the file
    std::uint64_t inode = 0;   ///< 0: nothing is remembered
    std::uint64_t explained = 0;
    std::uint64_t seen = 0;  ///< by Age
  };
  /// `file`: where the count stands; "": nowhere, and nothing is explained.
  OomKills(std::string file, Memory& memory);

  /// A process was killed so since the last death that was explained.
  bool ExplainsOne();
  /// Now and then: a kill that has explained no death from one call to the next is that of a process which is
  /// not our child, and explains none.
  void Age();

 private:
  std::string file_;
  Memory& memory_;
};

/// Where this process's count stands; "": the system does not say.
[[nodiscard]] std::string OomKillFile();
/// Where it stands for a process whose /proc/self/cgroup says so, in cgroups of version 1 or 2; "": in none.
[[nodiscard]] std::string CgroupOomFile(std::string_view self_cgroup, int version);
/// The number behind "oom_kill " at the beginning of a line; 0: there is none.
[[nodiscard]] std::uint64_t ParseOomKills(std::string_view text);

}  // namespace hydrapool::sys
