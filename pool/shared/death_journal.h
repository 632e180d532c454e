#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/sys/shared_memory.h"

namespace hydrapool {

/// One worker's end.
struct WorkerDeath {
  sys::Nanos at = 0;     ///< CLOCK_MONOTONIC
  sys::Nanos lived = 0;  ///< since its fork
  std::uint32_t slot = 0;
  pid_t pid = 0;
  std::uint32_t cause = 0;    ///< in kExitCauses
  std::uint32_t carried = 0;  ///< connections that go on in other workers
  std::uint32_t harmed = 0;   ///< connections that were lost, cut or answered with 502
};

/// The last ends of a pool's workers. In shared memory, for the next parent too. The parent's alone.
class DeathJournal {
 public:
  static constexpr std::size_t kMost = 16;

  void Add(const WorkerDeath& death) {
    Shared& shared = shared_[0];
    shared.deaths[shared.total % kMost] = death;
    ++shared.total;
  }
  /// Of all that were ever added.
  [[nodiscard]] std::uint64_t total() const { return shared_[0].total; }
  /// The newest first.
  [[nodiscard]] std::vector<WorkerDeath> kept() const {
    const Shared& shared = shared_[0];
    std::vector<WorkerDeath> deaths;
    for (std::uint64_t i = shared.total; i > 0 && deaths.size() < kMost; --i)
      deaths.push_back(shared.deaths[(i - 1) % kMost]);
    return deaths;
  }

 private:
  struct Shared {
    std::uint64_t total = 0;
    std::array<WorkerDeath, kMost> deaths{};
  };
  sys::SharedArray<Shared> shared_{1};
};

}  // namespace hydrapool
