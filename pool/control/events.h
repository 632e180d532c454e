#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pool/shared/death_journal.h"

namespace hydrapool {
class Steering;
}

namespace hydrapool::control {

/// What somebody who watches a pool has been told of so far, in numbers that live longer than a parent: so
/// the next parent can go on where the one before was.
struct Seen {
  enum Count : std::uint8_t {
    kDeaths,
    kParents,
    kPrograms,
    kRefused,
    kWorkers,
    kDraining,
    kRescuedIdle,
    kRescuedInHand,
    kLost,
    kCut,
    kAbandoned,
    kPoison,
    kUnavailable,
    kCounts,
  };
  struct Slot {
    std::uint64_t incarnation = 0;
    bool ready = false;
    bool drained = false;
    bool operator==(const Slot&) const = default;
  };

  std::array<std::uint64_t, kCounts> counts{};
  std::vector<Slot> slots{};

  static Seen Now(const Steering& steering, const DeathJournal& deaths);
  /// A word that Parse reads back.
  [[nodiscard]] std::string Cursor() const;
  static std::optional<Seen> Parse(std::string_view cursor);
  bool operator==(const Seen&) const = default;
};

/// What has happened between the two, each an object {"event", …}:
///
///     worker-ended {slot, pid, cause, lived_s, carried, harmed}   missed-ends {ends}: more than are kept
///     worker-ready {slot, incarnation}        slot-drained {slot}         slot-filled {slot}
///     rescued {idle, in_hand}                 harmed {lost, cut, abandoned, poison, unavailable}
///     parent-replaced {parents}               program-replaced {program}  program-refused {refused}
///     resized {workers}                       draining {}
///
/// `deaths`: the last ones, the newest first. Pure.
std::vector<nlohmann::ordered_json> Compare(const Seen& before, const Seen& after,
                                            std::span<const WorkerDeath> deaths);

}  // namespace hydrapool::control
