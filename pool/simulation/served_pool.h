#pragma once

#include <cstdint>

#include "hydrapool/pool_options.h"
#include "hydrapool/unique_fd.h"
#include "pool/sys/clock.h"

namespace hydrapool::simulation {

inline constexpr Nanos kNever = 3600 * sys::kSecond;

/// Makes the directory of CGI programs, in which there is one, "p". Before any simulated process runs.
void PrepareDirectory();

/// Serves as the pool's process does; its exit code. `http`: hydrapool's own site, with at most `programs` at
/// once; else the simulation's handler.
int ServePool(bool http, std::uint32_t programs, const PoolOptions& options, UniqueFd listener);

}  // namespace hydrapool::simulation
