#pragma once

#include <vector>

#include "pool/sys/error.h"

namespace hydrapool::harness {

/// Ends that part (0 to 1) of the established TCP connections of this process's network whose own port is
/// `port`, at least one of them, as `ss -K` does (sock_diag(7), SOCK_DESTROY): both ends see a reset. The
/// other ends' ports of those that have ended; empty: there was none. An Error where the kernel cannot
/// (CONFIG_INET_DIAG_DESTROY) or this user may not (CAP_NET_ADMIN).
[[nodiscard]] sys::Result<std::vector<int>> DestroyConnections(int port, double part);

/// Tries it with a connection of this process's own; an Error says why it cannot be done here.
[[nodiscard]] sys::Result<void> CheckDestroying();

}  // namespace hydrapool::harness
