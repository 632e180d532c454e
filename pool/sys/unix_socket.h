#pragma once

#include <string>

#include "pool/sys/error.h"
#include "pool/sys/socket.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// What Connect, Listen and CheckAddress (socket.h) do for "unix:" and this path.
Result<UniqueFd> ConnectUnix(const std::string& path);
UniqueFd ListenUnix(const std::string& path, const ListenOptions& options);
Result<void> CheckUnix(const std::string& path);

}  // namespace hydrapool::sys
