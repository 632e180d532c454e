#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "pool/cgi/process.h"
#include "pool/cgi/script_path.h"
#include "pool/shared/body_budget.h"
#include "pool/shared/lease.h"
#include "pool/shared/process_places.h"
#include "pool/sys/error.h"

namespace hydrapool::cgi {

/// What a program that answers a lease's request must pass before its exec: it takes the place that was
/// claimed for it, and the request must still be the one that it was prepared for.
struct LaunchGate {
  ProcessPlaces::Place* place = nullptr;
  std::uint32_t claimant = 0;
  const BodyBudget* bodies = nullptr;
  std::uint32_t lease = 0;
  LeaseDetail* detail = nullptr;
  pid_t preparer = 0;

  [[nodiscard]] SpawnGate Gate();
};

/// How a site's program is started, by its worker or by a launcher.
struct ProgramStart {
  const Script& script;
  char* const* envp = nullptr;
  ResourceLimits limits{};
  int input = -1;
  int output = -1;
  int errors = -1;
  int cgroup = -1;
  SpawnGate gate{};
  pid_t expected_parent = 0;
  const char* lifeline = nullptr;
  int own_descriptors = -1;  ///< SpawnOptions'
  bool clone_parent = true;
  bool set_id = false;
  std::optional<std::uint64_t> ignored{};
  std::optional<int> oom_score{};  ///< of the caller: the program's is raised above it at once
};
/// `score`: the caller's own. No effect where the program has ended.
void RaiseOomScore(pid_t program, int pidfd, int score);
[[nodiscard]] sys::Result<Spawned> StartProgram(const ProgramStart& start);

}  // namespace hydrapool::cgi
