#include "pool/sys/tcp_counters.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <system_error>

#include "pool/sys/error.h"
#include "pool/sys/socket.h"

namespace hydrapool::sys {
namespace {

std::optional<tcp_info> Info(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (size < offsetof(tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans) return std::nullopt;
  return info;
}

// The FIN takes one sequence number, and bytes_received counts it (KERNEL facts; tcp_rcv_nxt_update).
bool PeerHasFinished(const tcp_info& info) {
  constexpr std::array finished{8 /* CLOSE_WAIT */, 9 /* LAST_ACK */, 11 /* CLOSING */, 6 /* TIME_WAIT */};
  return std::ranges::find(finished, static_cast<int>(info.tcpi_state)) != finished.end();
}

}  // namespace

std::optional<std::uint64_t> BytesSent(int fd) {
  const auto info = Info(fd);
  if (!info) return std::nullopt;
  return info->tcpi_bytes_sent - info->tcpi_bytes_retrans + info->tcpi_notsent_bytes;
}

std::uint64_t BytesWaiting(int fd) {
  int waiting = 0;
  return ::ioctl(fd, SIOCINQ, &waiting) == 0 ? static_cast<std::uint64_t>(waiting) : 0;
}

std::uint64_t SegmentsSentAgain(int fd) {
  const auto info = Info(fd);
  return info ? info->tcpi_total_retrans : 0;
}

std::optional<std::uint64_t> BytesConsumed(int fd) {
  for (;;) {
    const auto before = Info(fd);
    if (!before) return std::nullopt;
    int waiting = 0;
    if (::ioctl(fd, SIOCINQ, &waiting) != 0) return std::nullopt;
    const auto after = Info(fd);
    if (!after) return std::nullopt;
    if (before->tcpi_bytes_received != after->tcpi_bytes_received || before->tcpi_state != after->tcpi_state)
      continue;
    return after->tcpi_bytes_received - (PeerHasFinished(*after) ? 1 : 0) -
           static_cast<std::uint64_t>(waiting);
  }
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

std::string VerifyTcpCounters() try {
  const UniqueFd listener = Listen("127.0.0.1:0");
  auto client = Connect(LocalAddress(listener.get()), std::chrono::milliseconds(1000));
  if (!client) return client.error().message;
  pollfd waiting{listener.get(), POLLIN, 0};
  ::poll(&waiting, 1, 1000);
  const Accepted server = Accept(listener.get());
  if (!server.fd) return "no connection to myself over loopback";
  const int fd = server.fd.get();

  constexpr std::string_view bytes = "0123456789";
  const auto sent_at_first = BytesSent(fd);
  const auto consumed_at_first = BytesConsumed(fd);
  if (sent_at_first != 0u || consumed_at_first != 0u)
    return "TCP_INFO does not count a new connection's bytes from 0";

  if (::send(fd, bytes.data(), bytes.size(), MSG_MORE | MSG_NOSIGNAL) != 10) return "send to myself failed";
  if (BytesSent(fd) != 10u) return "TCP_INFO does not count bytes that wait to be sent";
  if (::send(fd, bytes.data(), 5, MSG_NOSIGNAL) != 5) return "send to myself failed";
  if (BytesSent(fd) != 15u) return "TCP_INFO does not count the bytes that were sent";

  if (::send(client->get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) != 10) return "send to myself failed";
  ::shutdown(client->get(), SHUT_WR);
  pollfd readable{fd, POLLIN | POLLRDHUP, 0};
  for (int i = 0; i < 100 && (readable.revents & POLLRDHUP) == 0; ++i) ::poll(&readable, 1, 10);
  if (BytesWaiting(fd) != 10u || BytesConsumed(fd) != 0u) return "SIOCINQ does not count the bytes that wait";
  std::array<char, 16> peeked;
  if (::recv(fd, peeked.data(), peeked.size(), MSG_PEEK) != 10)
    return "MSG_PEEK does not show the bytes that wait";
  if (!Discard(fd, 4) || BytesConsumed(fd) != 4u) return "MSG_TRUNC does not take bytes out of the socket";
  if (!Discard(fd, 6) || BytesConsumed(fd) != 10u) return "the peer's FIN is not counted as expected";
  return "";
} catch (const std::exception& error) {
  return error.what();
}

}  // namespace hydrapool::sys
