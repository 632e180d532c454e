#pragma once

#include <sys/types.h>

#include <string>

#include "pool/shared/fate_journal.h"

namespace hydrapool::metrics {

/// What became of the connections that dead workers left, for programs: /fates.json, one object without line
/// breaks:
///
///     {"schema":1, "pid" (the parent's), "total" (since the start),
///      "fates":[{"at_ns", "peer", "slot", "pid" (of the dead worker; null: no worker had it), "phase",
///      "fate"}]}
///
/// The last FateJournal::kMost, oldest first. `at_ns` is CLOCK_MONOTONIC, one clock for all processes of a
/// machine; `phase` one of idle, reading, executing, responding; `fate` one of rescued, lost, cut, abandoned,
/// poison, unavailable. A client finds the fate of its request by its own address and the time. Pure; a full
/// journal takes a few milliseconds.
[[nodiscard]] std::string FatesJson(const hydrapool::FateJournal& fates, pid_t parent);

}  // namespace hydrapool::metrics
