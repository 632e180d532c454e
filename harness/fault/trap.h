#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "harness/fault/trigger.h"
#include "harness/fault/undo.h"
#include "pool/sys/failpoint_gate.h"

namespace hydrapool::harness {

/// Catches a worker of a hydrapool at one instruction: while the trap is set, the next that passes a
/// failpoint of its program there waits in it (pool/sys/failpoint_gate.h). So a fault hits it in that phase
/// and no other. The program must be built with failpoints, and be started with setting() in
/// HYDRAPOOL_FAILPOINTS.
///
///     Trap trap(Phase::kResponding, path);   // makes the file; before the server is started
///     if (!trap.armed()) …                   // the server has no failpoints
///     trap.Set();
///     … trap.Caught() → 4711 … a fault …, or, after a while, trap.Unset() …
///     trap.Clear();
///
/// It signals nobody. If this process ends meanwhile, its guard takes undo() back. One thread. Throws
/// std::system_error where the file cannot be made.
class Trap {
 public:
  Trap(Phase phase, std::string path);

  /// "worker.sent=stop@/tmp/trap"
  [[nodiscard]] std::string setting() const;
  [[nodiscard]] bool armed() const { return gate_->armed != 0; }
  /// In which phases there is a point: not in idle, where a worker passes none.
  [[nodiscard]] static bool CanBeIn(Phase phase) { return phase != Phase::kIdle; }

  /// From now on. Who stood still in it goes on.
  void Set() { gate_->Open(); }
  /// Who stands still in it; nullopt: nobody yet. One that was ended in it by another fault leaves it set.
  [[nodiscard]] std::optional<pid_t> Caught();
  /// True: nobody is in it, and nobody will be, until it is set again. False: one has walked into it.
  [[nodiscard]] bool Unset() { return gate_->CloseIfEmpty(); }
  /// It is not set any more, and who stands still in it goes on.
  void Clear() { gate_->Close(); }

  [[nodiscard]] Undo undo() const;

 private:
  Phase phase_;
  std::string path_;
  sys::FailpointGate* gate_ = nullptr;
};

/// Clears the trap of that file; nothing where there is none.
void ClearTrap(const std::string& path);

}  // namespace hydrapool::harness
