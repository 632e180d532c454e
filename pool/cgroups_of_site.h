#pragma once

#include "pool/options.h"

namespace hydrapool::server {

/// Has the directory of cgroups (shared/process_cgroups.h) for this pool, where there is to be one, or takes
/// over what the program before has left. As the pool's user, before it serves. Throws std::runtime_error
/// with one line.
void TakeCgroups(const Options& options);
/// What a start would find wrong with that directory, as std::runtime_error; becomes the pool's user for it.
void CheckCgroups(const Options& options);

}  // namespace hydrapool::server
