#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "pool/sys/tcp_counters.h"

namespace hydrapool::sys {

/// Counts to be tried: BytesSent and BytesConsumed, or in a test what is to be refused in their place.
struct TcpCounts {
  std::function<std::optional<std::uint64_t>(int fd, const TcpReads&)> sent = BytesSent;
  std::function<std::optional<std::uint64_t>(int fd, const TcpReads&)> consumed = BytesConsumed;
};

/// Tries the counts on a connection of its own over loopback: bytes that wait to be sent, that were sent,
/// that are acknowledged between two reads, whose transmission fails locally (an IPv4 source route to
/// nowhere, where CAP_NET_RAW allows to set one; it never leaves the machine), that are peeked at, taken in
/// part; both ends' FIN, waiting behind a full window, sent, and acknowledged.
///
/// An empty string: they hold on this kernel. Otherwise one line that says what did not (a sandboxed kernel
/// may lack them).
std::string VerifyTcpCounters(const TcpCounts& counts = {});

}  // namespace hydrapool::sys
