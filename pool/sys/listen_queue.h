#pragma once

#include <cstdint>
#include <optional>

namespace hydrapool::sys {

/// Connections that the kernel has taken for a listening socket and that are not accepted yet.
struct ListenQueue {
  std::uint32_t length = 0;
  std::uint32_t limit = 0;  ///< listen(2)'s backlog, as the kernel has it (net.core.somaxconn bounds it)
};

/// TCP by TCP_INFO (net/ipv4/tcp.c: of a listener, tcpi_unacked is the queue and tcpi_sacked its limit), UNIX
/// by sock_diag(7). nullopt: not a listener, or a kernel that does not say (UNIX sockets where it is built
/// without CONFIG_UNIX_DIAG). Never blocks.
std::optional<ListenQueue> ReadListenQueue(int fd);

}  // namespace hydrapool::sys
