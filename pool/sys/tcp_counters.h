#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace hydrapool::sys {

/// What the kernel knows of a TCP connection's bytes, whoever moved them: it counts from the handshake on and
/// outlives the process that did the moving. Each read is exact only while nobody else moves bytes on the
/// socket: ask about a connection whose worker has been reaped. Linux 5.10 or later (tcp_info: tcp(7),
/// include/uapi/linux/tcp.h).
///
/// nullopt: not a TCP socket, or a kernel that does not say (see VerifyTcpCounters).

/// Bytes handed to the socket by all processes together: bytes_sent - bytes_retrans + notsent, from one
/// TCP_INFO.
std::optional<std::uint64_t> BytesSent(int fd);

/// Bytes taken out of the socket: bytes_received - SIOCINQ between two equal TCP_INFO reads, less one for the
/// peer's FIN.
std::optional<std::uint64_t> BytesConsumed(int fd);

/// Bytes that have arrived and wait to be taken (SIOCINQ); 0 where the socket cannot say.
std::uint64_t BytesWaiting(int fd);

/// Segments that the kernel sent again on this connection, SYNs included (tcpi_total_retrans); 0 where the
/// socket is not TCP.
std::uint64_t SegmentsSentAgain(int fd);

/// Lets more bytes wait in the socket than the kernel would by itself (SO_RCVBUF, which ends its own tuning).
/// For a connection whose request is only half there and goes on lying there: a window is opened only when a
/// whole segment fits, over loopback 64 KiB, and bytes that are looked at but not taken keep it shut.
void MakeRoom(int fd);

/// Takes at most `most` bytes out of a stream socket and drops them, without copying where it is TCP
/// (MSG_TRUNC). As recv(2) returns; never waits.
ssize_t DiscardSome(int fd, std::size_t most);

/// Takes exactly `count` bytes out. False: fewer were there.
bool Discard(int fd, std::uint64_t count);

/// Tries all of the above on a connection of its own over loopback, with data, a partial read and a FIN. An
/// empty string: they hold on this kernel. Otherwise one line that says which did not (a sandboxed kernel may
/// lack them).
std::string VerifyTcpCounters();

}  // namespace hydrapool::sys
