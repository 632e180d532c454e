#pragma once

#include <sys/types.h>

#include <cstdint>

#include "harness/fault/undo.h"
#include "pool/sys/child.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {

/// A process that outlives its injector, if only to take back what that one held: when the injector ends,
/// killed or not, the guard undoes at once whatever it was told of and not told to forget, and ends. What it
/// cannot undo it tries again twice, a second apart.
///
///     Guard guard;                          // forks
///     const auto id = guard.Remember(undo); // before the fault
///     … the fault, its time, TakeBack(undo, pidfd) …
///     guard.Forget(id);
///
/// Remember returns when the guard knows. It has a session of its own, blocks every signal and holds no other
/// descriptor of the injector's. Before any thread is started. Throws std::system_error where it cannot be
/// started.
///
/// Not promised: anything where the guard itself is killed; Remember then throws, so nothing is held without
/// one.
class Guard {
 public:
  Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  /// The guard undoes what was not forgotten, and ends.
  ~Guard();

  [[nodiscard]] std::uint64_t Remember(const Undo& undo);
  void Forget(std::uint64_t id);

  [[nodiscard]] pid_t pid() const { return process_.pid(); }

 private:
  sys::UniqueFd channel_;
  sys::Child process_;
  std::uint64_t last_id_ = 0;
};

}  // namespace hydrapool::harness
