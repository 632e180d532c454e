#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hydrapool::sys {

/// What the kernel knows of a TCP connection's bytes, whichever process moved them: it counts from the
/// handshake on and outlives the process that did the moving. Each count is exact only while no other process
/// moves bytes on the socket: ask about a connection whose worker has been reaped. Linux 5.10 or later
/// (tcp(7), include/uapi/linux/tcp.h, net/ipv4/tcp.c).
///
/// nullopt: not a TCP socket, or a kernel that does not say (see VerifyTcpCounters in tcp_self_test.h).

/// What TCP_INFO says, as far as it is used here.
struct TcpFacts {
  int state = 0;                     ///< TCP_ESTABLISHED and so on (include/net/tcp_states.h)
  std::uint64_t bytes_acked = 0;     ///< sequence numbers that the peer has acknowledged, our FIN included
  std::uint64_t bytes_received = 0;  ///< sequence numbers that have come in order, the peer's FIN included
  std::uint64_t bytes_sent = 0;      ///< bytes in all transmissions that were tried, failed ones included
  std::uint64_t bytes_retrans = 0;   ///< of these, what was sent again after it had left once
  std::uint32_t notsent_bytes = 0;   ///< sequence numbers that wait for their first transmission
  std::uint32_t data_segs_out = 0;   ///< segments in all transmissions that were tried
  std::uint32_t unacked = 0;         ///< segments that have left and are not acknowledged
};

/// How the kernel is asked. Tests ask something else.
class TcpReads {
 public:
  virtual ~TcpReads() = default;
  [[nodiscard]] virtual std::optional<TcpFacts> Facts(int fd) const;
  [[nodiscard]] virtual std::optional<std::uint64_t> Unacknowledged(int fd) const;  ///< SIOCOUTQ
  [[nodiscard]] virtual std::optional<std::uint64_t> Waiting(int fd) const;         ///< SIOCINQ
};
const TcpReads& Kernel();

/// Bytes handed to the socket by all processes together: bytes_acked + SIOCOUTQ between two TCP_INFO reads of
/// equal bytes_acked.
///
/// Why that is exact. The kernel gives each byte handed to it the sequence number write_seq, and counts it on
/// at once (tcp_sendmsg); sending, failing to send and sending again leave it as it is. SIOCOUTQ is write_seq
/// - snd_una, and bytes_acked is grown by what snd_una is grown by (tcp_snd_una_update), from 0 where both
/// are the same (tcp_create_openreq_child). So their sum is write_seq less its first value. The two are read
/// by two calls, and an acknowledgement in between would count its bytes in neither or in both: it changes
/// bytes_acked, which never falls, so it is seen and the reads are made again. A reset and a time-out empty
/// the queue but leave write_seq and snd_una.
///
/// Not bytes_sent - bytes_retrans + notsent_bytes: a transmission that fails locally (a filter, a full queue,
/// no route) is counted in bytes_sent, and counted there again when it is tried again.
///
/// shutdown(SHUT_WR) gives our FIN a sequence number too, together with the change of state. It is taken off
/// in the states that only it leads to. TCP_CLOSE is reached with and without it: there it is counted when it
/// was queued, so the result may be one more than the bytes. Nothing can be sent in any of these states, so
/// no byte is ever sent twice or left out on its account.
///
/// A connection that is served before its handshake is complete (TCP_SYN_RECV, fast open): SIOCOUTQ is 0
/// then. bytes_sent + notsent_bytes is taken where every transmission tried has succeeded, which the counts
/// of segments tell; else nullopt.
std::optional<std::uint64_t> BytesSent(int fd, const TcpReads& reads = Kernel());

/// Bytes taken out of the socket: bytes_received - SIOCINQ between two equal TCP_INFO reads, less one for the
/// peer's FIN, which SIOCINQ leaves out. In TCP_CLOSE the state does not tell whether it came; TCP_CM_INQ
/// does, which counts it.
std::optional<std::uint64_t> BytesConsumed(int fd, const TcpReads& reads = Kernel());

/// The kernel keeps these counts for a socket and those accepted from it: plain TCP.
bool KernelCounts(int fd);

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

/// A look (MSG_PEEK) at what waits has shown `seen` bytes, and shows no more though more have come: a byte
/// that the peer has marked as urgent (MSG_OOB) stands there, and is passed only when what is before it is
/// taken. SO_OOBINLINE is set, so that it is a byte like any other then. `buffer`: what was looked into.
bool StopsAtUrgentByte(int fd, std::span<char> buffer, std::size_t seen);
/// The next byte to take is marked as urgent.
bool AtUrgentByte(int fd);

/// Takes exactly `count` bytes out. False: fewer were there.
bool Discard(int fd, std::uint64_t count);

}  // namespace hydrapool::sys
