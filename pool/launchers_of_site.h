#pragma once

#include "hydrapool/process_pool.h"
#include "pool/options.h"

namespace hydrapool::server {

/// Makes the launchers (cgi/launch_server.h) that the program rules ask for, while this process is root; or
/// takes those that the program before has left. Throws std::runtime_error with one line: a user who is not
/// there or is root, no start as root, no supervisor.
///
/// What they serve is as it is now: a reload changes nothing for them, and one that asks for another user is
/// refused.
void MakeLaunchers(const Pool& pool, const Options& options);
/// What a start by root would find wrong with those users.
void CheckLaunchers(const Options& options);

}  // namespace hydrapool::server
