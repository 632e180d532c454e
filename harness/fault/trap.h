#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "harness/fault/trigger.h"
#include "harness/fault/undo.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"
#include "pool/sys/failpoint_gate.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {

/// Catches a worker of a hydrapool at one instruction: while the trap is set, the next that passes a
/// failpoint of its program there is stopped (pool/sys/failpoint_gate.h). So a fault hits it in that phase
/// and no other. The program must be built with failpoints, and be started with setting() in
/// HYDRAPOOL_FAILPOINTS.
///
///     Trap trap(Phase::kResponding, path);   // makes the file; before the server is started
///     if (!trap.armed()) …                   // the server has no failpoints
///     trap.Set();
///     … trap.Caught() → 4711 … a fault …, or, after a while, trap.Unset() …
///     trap.Clear();
///
/// If this process ends meanwhile, its guard takes undo() back. One thread. Throws std::system_error where
/// the file cannot be made.
class Trap {
 public:
  Trap(Phase phase, std::string path);

  /// "worker.sent=stop@/tmp/trap"
  [[nodiscard]] std::string setting() const;
  [[nodiscard]] bool armed() const { return gate_->armed != 0; }
  /// In which phases there is a point: not in idle, where a worker passes none.
  [[nodiscard]] static bool CanBeIn(Phase phase) { return phase != Phase::kIdle; }

  /// From now on. Who stood still in it goes on.
  void Set();
  /// Who stands still in it; nullopt: nobody yet.
  [[nodiscard]] std::optional<pid_t> Caught();
  /// True: nobody is in it, and nobody will be, until it is set again. False: one is walking into it.
  [[nodiscard]] bool Unset(sys::Nanos now);
  /// Who was caught goes on, or is somebody else's from now on.
  void Release(bool goes_on = true);
  /// It is not set any more, and who stands still in it goes on.
  void Clear();

  /// `main`: the main process of the server.
  [[nodiscard]] Undo undo(const Identity& main) const;

 private:
  Phase phase_;
  std::string path_;
  sys::FailpointGate* gate_ = nullptr;
  sys::UniqueFd caught_;
  std::optional<sys::Nanos> unset_;  ///< Since when one is walking into it.
};

/// Unsets the trap of that file, and lets who stands still in it go on if it is of the server whose main
/// process that is. True: there is nothing left to do. False: one is walking into it, and is to be looked for
/// again.
bool OpenTrap(const std::string& path, const Identity& main);

}  // namespace hydrapool::harness
