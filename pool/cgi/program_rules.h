#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/cgi/mounts.h"
#include "pool/cgi/process.h"
#include "pool/shared/process_cgroups.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::cgi {

/// What may differ from program to program.
struct ProgramSettings {
  sys::Nanos patience = 0;
  ResourceLimits limits{};
  std::vector<std::string> environment{};  ///< NAME=VALUE each; the last word on that name
  std::string user{};                      ///< NAME or NAME:GROUP, as whom it runs; empty: as the pool
  std::uint32_t most_processes = 0;        ///< at once by the rule that says so; 0: no limit of their own
  std::string most_processes_at{};         ///< that rule's path
};

/// Sets one of a program's limits: "cpu=10s", "as=512M" (address space), "fsize=1G" (of a file it writes),
/// "nproc=64" (of all processes of its user), "nofile=256", "core=0"; "memory-max=512M" and "tasks-max=64"
/// are of its cgroup (process_cgroups.h), so of it and all that it starts. The system's hard limits hold all
/// the same.
[[nodiscard]] sys::Result<void> SetLimit(ResourceLimits& limits, const std::string& text);

/// A setting for the programs at a path and below it: `/git=env:GIT_PROJECT_ROOT=/srv/git`,
/// `/slow/=timeout:10m`, `/cgi-bin/=limit:cpu=10s`, `/wiki/=user:wiki`, `/wiki/=max-cgi:4`. The last one is
/// for all programs at its path and below it together, but those for which a longer path has another.
struct ProgramRule {
  std::string at;
  std::string key;  ///< env, timeout, limit, user or max-cgi
  std::string value;

  /// AT=KEY:VALUE; an Error with one line where it is none.
  [[nodiscard]] static sys::Result<ProgramRule> Parse(const std::string& text);
};

/// A program may be asked for at the rule's path or below it; else it has no effect.
[[nodiscard]] bool HasPrograms(const ProgramRule& rule, const std::vector<Mount>& mounts);

/// Of which limits cgroups there are any, for all programs or by a rule.
[[nodiscard]] ProcessCgroups::Controllers ControllersFor(const ResourceLimits& all,
                                                         const std::vector<ProgramRule>& rules);

/// The settings of each path: all rules that hold it, the shorter paths first, over what holds for all. Paths
/// are folded as Mounts folds them. A pure function of its arguments.
class ProgramRules {
 public:
  ProgramRules(ProgramSettings all, std::vector<ProgramRule> rules);

  /// Of a request's path as it came.
  [[nodiscard]] ProgramSettings Of(std::string_view path) const;
  /// Of a program as it was found: SCRIPT_NAME and PATH_INFO.
  [[nodiscard]] ProgramSettings OfDecoded(std::string_view path) const;

 private:
  const ProgramSettings all_;
  std::vector<ProgramRule> rules_;  // the shortest path first
};

}  // namespace hydrapool::cgi
