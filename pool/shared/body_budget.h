#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "pool/shared/process_places.h"

namespace hydrapool {

/// The request bodies that are made whole before their programs start: how many there are over the whole
/// pool, for each is a descriptor in its parent, and how many of them lie in memory.
///
///   Begin → (ClaimMemory → LeaveMemory) → End
///              └→ Occupy, by the process that reads it → Free
///
/// Both are places (process_places.h): each says whose it is, so none is lost by a death. A lease has one
/// body at a time. What its worker has claimed and not given back stays claimed over that worker's death, and
/// is given back by the next worker, or by the parent where the request is over. In shared memory.
class BodyBudget {
 public:
  /// False: there are `most` already.
  [[nodiscard]] bool Begin(std::uint32_t lease, std::size_t most) const;
  /// The body may lie in memory. False: `most` do.
  [[nodiscard]] bool ClaimMemory(std::uint32_t lease, std::size_t most) const;
  [[nodiscard]] bool InMemory(std::uint32_t lease) const { return memory_.Holds(lease); }
  /// It lies in memory no more.
  void LeaveMemory(std::uint32_t lease) const { memory_.GiveBack(lease); }
  /// A process has it from here on, until Free. For the process itself, before its exec: async-signal-safe.
  void Occupy(std::uint32_t lease, pid_t self) const;
  /// Its descriptor is closed. Memory that a process has stays claimed.
  void End(std::uint32_t lease) const;
  /// The process was reaped.
  void Free(pid_t pid) const { memory_.Free(pid); }

  /// At this moment.
  [[nodiscard]] std::size_t bodies() const { return bodies_.taken(); }
  [[nodiscard]] std::size_t in_memory() const { return memory_.taken(); }

 private:
  ProcessPlaces bodies_;
  ProcessPlaces memory_;
};

}  // namespace hydrapool
