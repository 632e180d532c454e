#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/fault/pool_status.h"
#include "harness/fault/targets.h"
#include "pool/sys/clock.h"

/// How a fault went on, as seen from outside. Times are CLOCK_MONOTONIC.
///
///     sent → dead → reaped → forked → ready → first response
///
/// `dead` comes from the victim's pidfd, or from /proc where it was gone from there before the pidfd was
/// looked at. `ready` and `first response` are when the pool says that they were, where it does
/// (PoolStatus::TellsAges), and late by no more than its answer was on its way. The others are when a poll
/// first showed them, so they are late by up to one period (and the time a poll takes), never early.
namespace hydrapool::harness {

/// A server's processes but for its main one at a moment: from /proc, zombies included.
struct FamilySample {
  sys::Nanos at = 0;  ///< When the poll had ended.
  std::vector<Identity> children = {};
  bool operator==(const FamilySample&) const = default;
};

/// A pool's processes at a moment: from /status.json.
struct StatusSample {
  sys::Nanos at = 0;
  std::vector<PoolStatus::Worker> workers = {};
  pid_t main = 0;
  pid_t parent = 0;
};

/// A time in which the harness was to look and did not come to it: the machine was full, or stood still. What
/// took long meanwhile need not be the server's doing.
struct Standstill {
  sys::Nanos from = 0;
  sys::Nanos to = 0;
};

/// A process that was hit.
struct Victim {
  Identity identity;
  std::optional<int> slot = {};
  std::uint64_t incarnation = 0;  ///< Which life of the slot it was.
  sys::Nanos sent = 0;
  std::optional<sys::Nanos> dead = {};
  Role role = Role::kWorker;
};

/// nullopt: not seen, be it that it did not happen, that a later fault came first, or that it cannot be seen
/// (a server without /status.json says neither when a worker is ready nor when it answers).
struct Timeline {
  std::optional<sys::Nanos> dead = {};
  std::optional<sys::Nanos> reaped = {};          ///< Gone from /proc.
  std::optional<sys::Nanos> forked = {};          ///< The replacement is there.
  std::optional<sys::Nanos> ready = {};           ///< It says so.
  std::optional<sys::Nanos> first_response = {};  ///< It has answered since it was first seen.
  /// The replacement was hit or ended itself before it could answer.
  bool superseded = false;
  /// It was replaced, but it is not known when: its replacement had gone before a look showed it, or may be
  /// that of another worker, which ended by itself meanwhile.
  bool unobserved = false;
  std::optional<pid_t> successor = {};  ///< The replacement, where it is known; it is then hit, or seen.

  bool operator==(const Timeline&) const = default;
};

/// A life of a process of the server, as far as looks showed it.
struct Life {
  Identity identity;
  Role role = Role::kWorker;
  std::optional<int> slot = {};
  sys::Nanos from = 0;
  std::optional<sys::Nanos> ready = {};  ///< It said so.
  std::optional<sys::Nanos> to = {};     ///< It was gone; nullopt: it was there at the last look.

  bool operator==(const Life&) const = default;
};

/// In the order of their beginnings. Pure.
[[nodiscard]] std::vector<Life> LivesIn(std::span<const FamilySample> family,
                                        std::span<const StatusSample> status);

/// Which of the pool's own counters was less than at an earlier look, in words; nullopt: none was. Pure.
[[nodiscard]] std::optional<std::string> CountersThatWentBack(std::span<const StatusSample> status);

/// One Timeline for each of `victims`, which are in the order of their faults. Pure.
///
/// The replacement of a victim with a slot is the slot's next incarnation, and that of a parent or supervisor
/// the process that /status.json names in its place: it is ready when that is told. Without slots workers are
/// alike, and what can be seen is their number: each new child makes good the first death that waits for one,
/// in the order of the deaths, not of the faults: a worker that drains for long is replaced when it has gone.
/// New children are those that a look showed and those that no look showed but a fault hit, so one that was
/// killed between two looks takes its own place and shifts no other. A child that came for another reason
/// while no victim waited is left out.
///
/// Not promised, without slots: who is who among workers that died at once; anything at a server that lets
/// its number of workers sink, adds one just when another is hit, or replaces a worker before that has gone.
[[nodiscard]] std::vector<Timeline> Reconstruct(std::span<const Victim> victims,
                                                std::span<const FamilySample> family,
                                                std::span<const StatusSample> status);

}  // namespace hydrapool::harness
