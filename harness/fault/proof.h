#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/fault/fault.h"

namespace hydrapool::harness {

/// Whether a fault did to its victim what it is meant to do.
enum class Proof {
  kConfirmed,   ///< It was seen to.
  kMismatched,  ///< Something else was seen.
  kUnproved,    ///< Nothing was done, or nothing could be seen.
};
/// "confirmed"
[[nodiscard]] std::string_view Name(Proof proof);

/// What was seen of a victim when its fault was over.
struct Evidence {
  bool dead = false;
  std::optional<int> wait_status = {};  ///< Of one that is dead, where it could be read.
  /// The effect was seen: a signal had been taken, a process stood still, a limit read back as it was set,
  /// the process that spins had run. False: it was seen not to be there; nullopt: nothing was to be seen yet.
  std::optional<bool> seen = {};
  bool ignored = false;      ///< The signal is one that the victim ignores.
  bool undone = false;       ///< What was held was taken back.
  std::string refused = {};  ///< Why the server did not do what it was told, where it says so.
};

struct Finding {
  Proof proof = Proof::kUnproved;
  std::string words = {};  ///< Why it is not confirmed; empty where it is.

  bool operator==(const Finding&) const = default;
};

/// Pure.
///
/// kEnds: dead, and by that signal as far as anybody can know. kAsks: dead, but not by another signal.
/// kTells: taken by a process that does not ignore it, or dead. kHolds: seen, and taken back unless it died
/// meanwhile; unproved where there was nothing to be seen, as of a stop that its victim, on a full machine,
/// has not taken yet. kRenews: the server was seen to be renewed, and its main process lives.
[[nodiscard]] Finding Prove(const FaultInfo& fault, const Evidence& evidence);

}  // namespace hydrapool::harness
