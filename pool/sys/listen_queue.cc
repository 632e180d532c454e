#include "pool/sys/listen_queue.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {
namespace {

std::optional<int> Option(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) return std::nullopt;
  return value;
}

std::optional<ListenQueue> OfTcp(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return ListenQueue{info.tcpi_unacked, info.tcpi_sacked};
}

struct UnixRequest {
  nlmsghdr header;
  unix_diag_req request;
};

/// The attribute UNIX_DIAG_RQLEN of one answer.
std::optional<ListenQueue> QueueIn(const nlmsghdr* answer) {
  if (answer->nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
  const auto* socket = static_cast<const unix_diag_msg*>(NLMSG_DATA(answer));
  const auto* attribute =
      reinterpret_cast<const rtattr*>(reinterpret_cast<const std::byte*>(socket) + sizeof *socket);
  auto left = static_cast<unsigned>(answer->nlmsg_len - NLMSG_LENGTH(sizeof *socket));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != UNIX_DIAG_RQLEN) continue;
    unix_diag_rqlen queue{};
    std::memcpy(&queue, RTA_DATA(attribute), sizeof queue);
    return ListenQueue{queue.udiag_rqueue, queue.udiag_wqueue};
  }
  return std::nullopt;
}

std::optional<ListenQueue> OfUnix(int fd) {
  struct stat status {};
  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  if (!netlink || ::fstat(fd, &status) != 0) return std::nullopt;
  UnixRequest request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.request.sdiag_family = AF_UNIX;
  request.request.udiag_states = ~0u;
  request.request.udiag_ino = static_cast<std::uint32_t>(status.st_ino);
  request.request.udiag_show = UDIAG_SHOW_RQLEN;
  request.request.udiag_cookie[0] = request.request.udiag_cookie[1] = ~0u;
  if (::send(netlink.get(), &request, sizeof request, 0) < 0) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 1024> answer;  // the kernel has answered when send returns
  const ssize_t size = ::recv(netlink.get(), answer.data(), answer.size(), 0);
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (size < 0 || !NLMSG_OK(header, static_cast<std::size_t>(size))) return std::nullopt;
  return QueueIn(header);
}

}  // namespace

std::optional<ListenQueue> ReadListenQueue(int fd) {
  if (Option(fd, SO_ACCEPTCONN).value_or(0) == 0) return std::nullopt;
  if (Option(fd, SO_DOMAIN) == AF_UNIX) return OfUnix(fd);
  return OfTcp(fd);
}

}  // namespace hydrapool::sys
