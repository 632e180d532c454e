#pragma once

#include "pool/options.h"

namespace hydrapool::server {

/// What is wrong with mounts and guards, as the pool's user finds them, who serves them. Throws
/// std::runtime_error with one line.
void CheckSite(const Options& options);

/// For --check, what only a start would find: names of hosts that nobody knows, files where sockets are to
/// be, an address that is there twice; and directories without which it would succeed, and requests fail.
/// Throws the same.
void CheckStart(const Options& options);

}  // namespace hydrapool::server
