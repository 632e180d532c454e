#pragma once

#include <cstdint>
#include <optional>

namespace hydrapool {

/// What a worker says of itself (kDead: what the parent says of it).
enum class WorkerState : std::uint8_t { kDead, kStarting, kReady, kDraining };

/// A worker's life as the parent sees it.
///
///              forked             ready              first reply        drains             reaped
///     none     starting           .                  .                  .                  .
///     starting .                  proving, welcome   .                  .                  none, respawn
///     proving  .                  .                  serving, recovered leaving, replace   none, respawn
///     serving  .                  .                  .                  leaving, replace   none, respawn
///     leaving  .                  .                  .                  .                  none, bury
///
/// A dot cannot happen and changes nothing. A worker that drains is replaced at once and not at its death,
/// which may be as far away as the slowest request it has in hand.
enum class WorkerStage : std::uint8_t { kNone, kStarting, kProving, kServing, kLeaving };
enum class WorkerEvent : std::uint8_t { kForked, kReady, kFirstReply, kDrains, kReaped };
enum class WorkerAction : std::uint8_t {
  kNothing,
  kWelcome,    ///< it takes leases from here on
  kRecovered,  ///< its slot answers again
  kReplace,    ///< its idle leases are taken from it, and its slot gets another worker
  kRespawn,    ///< its leases are rescued, and its slot gets another worker when the respawn policy says so
  kBury,       ///< its leases are rescued; its slot has its next worker already
};

struct StageStep {
  WorkerStage next = WorkerStage::kNone;
  WorkerAction action = WorkerAction::kNothing;
  bool operator==(const StageStep&) const = default;
};
/// The table above.
StageStep Advance(WorkerStage stage, WorkerEvent event);

/// The event that the worker's own record tells of next; nullopt: it tells nothing new.
std::optional<WorkerEvent> NextEvent(WorkerStage stage, WorkerState state, bool has_replied);

}  // namespace hydrapool
