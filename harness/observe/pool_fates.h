#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/fault/trigger.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// What a pool says became of a client's connection when its worker died.
struct PoolFate {
  sys::Nanos at = 0;
  int port = 0;                   ///< The client's.
  std::optional<pid_t> pid = {};  ///< The dead worker; nullopt: no worker had it.
  std::string phase = {};         ///< "executing"
  std::string fate = {};          ///< "rescued", "lost", …

  bool operator==(const PoolFate&) const = default;
};

/// A pool's journal of them (/fates.json), oldest first.
struct PoolFates {
  std::vector<PoolFate> fates = {};
  sys::Nanos complete_since = 0;  ///< What was older may have been forgotten.
};

/// Reads the JSON of schema 1. Fates of connections without a port (UNIX sockets, clients that have gone) are
/// left out. Pure.
[[nodiscard]] sys::Result<PoolFates> ParsePoolFates(std::string_view json);

/// Whether the worker `pid`, which a fault of the time `since` has killed, was doing that with one of its
/// connections, or, for idle, nothing else with any; nullopt: the journal does not reach back so far. Pure.
[[nodiscard]] std::optional<bool> WasInPhase(const PoolFates& fates, pid_t pid, sys::Nanos since,
                                             Phase phase);

}  // namespace hydrapool::harness
