#pragma once

#include "harness/run/program.h"
#include "harness/run/scenario.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// Makes the place in which a scenario's server is to run: its directory, a free port, and, where its faults
/// need them, a network and a small disk of this process's own. Looks whether this machine can do each fault.
/// Before any thread is started and before anything is hurt; an Error is "FILE:LINE: fault: what is missing",
/// of the code kCannotHere.
///
///     const auto placed = MakePlace(scenario, scratch);   // the scenario with WORK, PORT and DISK replaced
[[nodiscard]] sys::Result<Scenario> MakePlace(const Scenario& scenario, const ScratchDir& scratch);
/// Afterwards, so that `scratch` can be removed.
void LeavePlace(const Scenario& scenario, const ScratchDir& scratch);

}  // namespace hydrapool::harness
