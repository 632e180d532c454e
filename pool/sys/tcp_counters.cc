#include "pool/sys/tcp_counters.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hydrapool::sys {
namespace {

// include/net/tcp_states.h, which userspace has only in a header that clashes with linux/tcp.h.
enum State { kSynReceived = 3, kFinWait1, kFinWait2, kTimeWait, kClose, kCloseWait, kLastAck, kClosing = 11 };

template <std::size_t N>
bool IsOneOf(const std::array<State, N>& states, int state) {
  return std::ranges::find(states, static_cast<State>(state)) != states.end();
}

bool WeHaveFinished(int state) {
  return IsOneOf(std::array{kFinWait1, kFinWait2, kTimeWait, kLastAck, kClosing}, state);
}

bool PeerHasFinished(int state) {
  return IsOneOf(std::array{kTimeWait, kCloseWait, kLastAck, kClosing}, state);
}

std::optional<std::uint64_t> Ask(int fd, unsigned long request) {
  int value = 0;
  if (::ioctl(fd, request, &value) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

std::optional<std::uint64_t> SentBeforeHandshake(const TcpFacts& facts) {
  if (facts.data_segs_out != facts.unacked || facts.bytes_retrans != 0) return std::nullopt;
  return facts.bytes_sent + facts.notsent_bytes;
}

// TCP_CM_INQ is rcv_nxt - copied_seq, and 1 where all is taken after a FIN; SIOCINQ leaves the FIN out.
bool FinCameBeforeTheEnd(int fd, std::uint64_t waiting) {
  const int on = 1;
  const int off = 0;
  char byte;
  iovec place{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ::setsockopt(fd, IPPROTO_TCP, TCP_INQ, &on, sizeof on);
  const ssize_t peeked = ::recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT);
  ::setsockopt(fd, IPPROTO_TCP, TCP_INQ, &off, sizeof off);
  if (peeked < 0) return false;  // a pending error, which a FIN would have come before
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != TCP_CM_INQ) return false;
  int raw = 0;
  std::memcpy(&raw, CMSG_DATA(header), sizeof raw);
  return static_cast<std::uint64_t>(raw) == waiting + 1;
}

}  // namespace

std::optional<TcpFacts> TcpReads::Facts(int fd) const {
  if (!KernelCounts(fd)) return std::nullopt;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (size < offsetof(tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans) return std::nullopt;
  return TcpFacts{.state = info.tcpi_state,
                  .bytes_acked = info.tcpi_bytes_acked,
                  .bytes_received = info.tcpi_bytes_received,
                  .bytes_sent = info.tcpi_bytes_sent,
                  .bytes_retrans = info.tcpi_bytes_retrans,
                  .notsent_bytes = info.tcpi_notsent_bytes,
                  .data_segs_out = info.tcpi_data_segs_out,
                  .unacked = info.tcpi_unacked};
}

std::optional<std::uint64_t> TcpReads::Unacknowledged(int fd) const { return Ask(fd, SIOCOUTQ); }
std::optional<std::uint64_t> TcpReads::Waiting(int fd) const { return Ask(fd, SIOCINQ); }

const TcpReads& Kernel() {
  static const TcpReads kernel;
  return kernel;
}

std::optional<std::uint64_t> BytesSent(int fd, const TcpReads& reads) {
  for (;;) {
    const auto before = reads.Facts(fd);
    const auto queued = reads.Unacknowledged(fd);
    const auto after = reads.Facts(fd);
    if (!before || !queued || !after) return std::nullopt;
    if (before->bytes_acked != after->bytes_acked || before->state != after->state) continue;
    if (after->state == kSynReceived) return SentBeforeHandshake(*after);
    return after->bytes_acked + *queued - (WeHaveFinished(after->state) ? 1 : 0);
  }
}

std::optional<std::uint64_t> BytesConsumed(int fd, const TcpReads& reads) {
  for (;;) {
    const auto before = reads.Facts(fd);
    const auto waiting = reads.Waiting(fd);
    const auto after = reads.Facts(fd);
    if (!before || !waiting || !after) return std::nullopt;
    if (before->bytes_received != after->bytes_received || before->state != after->state) continue;
    const bool finished =
        after->state == kClose ? FinCameBeforeTheEnd(fd, *waiting) : PeerHasFinished(after->state);
    return after->bytes_received - *waiting - (finished ? 1 : 0);
  }
}

// Of MPTCP, TCP_INFO shows one subflow.
bool KernelCounts(int fd) {
  int protocol = 0;
  socklen_t size = sizeof protocol;
  return ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

std::uint64_t BytesWaiting(int fd) { return Kernel().Waiting(fd).value_or(0); }

std::uint64_t SegmentsSentAgain(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_total_retrans : 0;
}

void MakeRoom(int fd) {
  const int bytes = 512 * 1024;  // the kernel takes what net.core.rmem_max allows
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

ssize_t DiscardSome(int fd, std::size_t most) {
  ssize_t taken = ::recv(fd, nullptr, most, MSG_TRUNC | MSG_DONTWAIT);
  if (taken < 0 && errno == EFAULT) {  // a UNIX socket, which copies
    std::array<char, 16 * 1024> dropped;
    taken = ::recv(fd, dropped.data(), std::min(most, dropped.size()), MSG_DONTWAIT);
  }
  return taken;
}

// The count first: what comes after it, a look may show.
bool StopsAtUrgentByte(int fd, std::span<char> buffer, std::size_t seen) {
  const std::uint64_t waiting = std::min<std::uint64_t>(BytesWaiting(fd), buffer.size());
  if (waiting <= seen) return false;
  const ssize_t shown = ::recv(fd, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  return shown >= 0 && static_cast<std::uint64_t>(shown) < waiting;
}

bool AtUrgentByte(int fd) {
  int at = 0;
  return ::ioctl(fd, SIOCATMARK, &at) == 0 && at != 0;
}

bool Discard(int fd, std::uint64_t count) {
  while (count > 0) {
    const ssize_t taken = DiscardSome(fd, count);
    if (taken <= 0) {
      if (taken < 0 && errno == EINTR) continue;
      return false;
    }
    count -= static_cast<std::uint64_t>(taken);
  }
  return true;
}

}  // namespace hydrapool::sys
