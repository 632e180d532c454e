#include "harness/fault/sock_destroy.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include "pool/sys/socket.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {
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
  question.request.idiag_states = 1u << TCP_ESTABLISHED;
  return question;
}

bool Send(int diag, const Question& question) {
  return ::send(diag, &question, sizeof question, 0) == static_cast<ssize_t>(sizeof question);
}

/// Gives each message to `take` until that is content; the kernel's word at the end: 0, or an errno.
template <typename Take>
int Hear(int diag, Take take) {
  alignas(nlmsghdr) std::array<char, 32 * 1024> buffer;
  for (;;) {
    const ssize_t got = ::recv(diag, buffer.data(), buffer.size(), 0);
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

sys::Result<std::vector<int>> DestroyConnections(int port, double part) {
  const sys::UniqueFd diag(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!diag) return sys::Failure(errno, "sock_diag");
  std::vector<Question> found;
  for (const int family : {AF_INET, AF_INET6}) {
    if (!Send(diag.get(), Ask(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family)))
      return sys::Failure(errno, "sock_diag");
    const int error = Hear(diag.get(), [&](const inet_diag_msg& connection) {
      if (ntohs(connection.id.idiag_sport) != port) return;
      found.push_back(Ask(SOCK_DESTROY, NLM_F_ACK, family));
      found.back().request.id = connection.id;
    });
    if (error != 0 && error != ENOENT) return sys::Failure(error, "sock_diag");
  }
  const auto wanted = static_cast<std::size_t>(std::ceil(part * static_cast<double>(found.size())));
  std::vector<int> ended;
  for (std::size_t i = 0; i < wanted; ++i) {
    const Question& one = found[i * found.size() / wanted];
    const int error = Send(diag.get(), one) ? Hear(diag.get(), [](const inet_diag_msg&) {}) : errno;
    if (error != 0 && error != ENOENT) {
      if (!ended.empty()) break;  // what was ended is to be told
      return sys::Failure(error, "SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY)");
    }
    if (error == 0) ended.push_back(ntohs(one.request.id.idiag_dport));
  }
  return ended;
}

sys::Result<void> CheckDestroying() {
  const auto listener = sys::Listen("127.0.0.1:0");
  const auto client = sys::Connect(sys::LocalAddress(listener.get()), std::chrono::seconds(1));
  if (!client) return tl::unexpected(client.error());
  const auto ended = DestroyConnections(sys::LocalPort(listener.get()), 1);
  if (!ended) return tl::unexpected(ended.error());
  if (ended->empty()) return sys::Failure("SOCK_DESTROY ended no connection");
  return {};
}

}  // namespace hydrapool::harness
