#include "pool/sys/tcp_diag.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace hydrapool::sys {
namespace {

struct Question {
  nlmsghdr header{};
  inet_diag_req_v2 request{};
};

Question Ask(std::uint16_t type, int flags, int family) {
  Question question;
  question.header = {.nlmsg_len = sizeof question,
                     .nlmsg_type = type,
                     .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags),
                     .nlmsg_seq = 1,
                     .nlmsg_pid = 0};
  question.request.sdiag_family = static_cast<std::uint8_t>(family);
  question.request.sdiag_protocol = IPPROTO_TCP;
  return question;
}

/// 0, or an errno.
int Send(int netlink, const Question& question) {
  return ::send(netlink, &question, sizeof question, 0) < 0 ? errno : 0;
}

/// Gives each message to `take`; the kernel's word at the end: 0, or an errno.
template <typename Take>
int Hear(int netlink, const Take& take) {
  alignas(nlmsghdr) std::array<char, 32 * 1024> buffer;
  for (;;) {
    const ssize_t got = ::recv(netlink, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? EIO : errno;
    auto left = static_cast<unsigned>(got);
    for (auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
         left >= sizeof *header && header->nlmsg_len >= sizeof *header && header->nlmsg_len <= left;) {
      if (header->nlmsg_type == NLMSG_DONE) return 0;
      const auto* body = reinterpret_cast<const char*>(header) + NLMSG_HDRLEN;
      if (header->nlmsg_type == NLMSG_ERROR) return -reinterpret_cast<const nlmsgerr*>(body)->error;
      take(*reinterpret_cast<const inet_diag_msg*>(body));
      const unsigned step = std::min(left, static_cast<unsigned>(NLMSG_ALIGN(header->nlmsg_len)));
      left -= step;
      header = reinterpret_cast<const nlmsghdr*>(reinterpret_cast<const char*>(header) + step);
    }
  }
}

}  // namespace

Result<TcpDiag> TcpDiag::Open() {
  UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return Failure(errno, "sock_diag");
  return TcpDiag(std::move(netlink));
}

int TcpDiag::Each(const Wanted& wanted, const std::function<void(const inet_diag_msg&)>& take) const {
  Question question = Ask(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, wanted.family);
  question.request.idiag_states = wanted.states;
  question.request.id.idiag_sport = htons(static_cast<std::uint16_t>(wanted.port));
  if (const int error = Send(netlink_.get(), question); error != 0) return error;
  return Hear(netlink_.get(), take);
}

int TcpDiag::Destroy(int family, const inet_diag_sockid& connection) const {
  Question question = Ask(SOCK_DESTROY, NLM_F_ACK, family);
  question.request.idiag_states = 1u << TCP_ESTABLISHED;
  question.request.id = connection;
  if (const int error = Send(netlink_.get(), question); error != 0) return error;
  return Hear(netlink_.get(), [](const inet_diag_msg&) {});
}

}  // namespace hydrapool::sys
