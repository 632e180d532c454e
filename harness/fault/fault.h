#pragma once

#include <map>
#include <string>
#include <string_view>

namespace hydrapool::harness {

/// What is done to a worker.
enum class Fault {
  kKill,  ///< SIGKILL: gone at whatever instruction it was.
  kTerm,  ///< SIGTERM: asked to leave; a good worker finishes what it has in hand.
};

/// To which workers.
enum class Target {
  kRandom,   ///< One, drawn from the seed.
  kBusiest,  ///< The one with most requests in execution, then most leases; drawn from the seed among equals.
  kAll,      ///< Every one of them, at once.
};

/// The signal that a fault sends.
[[nodiscard]] int SignalOf(Fault fault);

/// The spellings of the command line and the journal, both ways.
[[nodiscard]] const std::map<std::string, Fault>& FaultNames();
[[nodiscard]] const std::map<std::string, Target>& TargetNames();
[[nodiscard]] std::string_view Name(Fault fault);
[[nodiscard]] std::string_view Name(Target target);

}  // namespace hydrapool::harness
