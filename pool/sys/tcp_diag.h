#pragma once

#include <linux/inet_diag.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// What the kernel knows of the TCP sockets of this network namespace: sock_diag(7).
///
///     const auto diag = TcpDiag::Open();
///     diag->Each({.family = AF_INET, .states = 1u << TCP_LISTEN, .port = 80},
///                [](const inet_diag_msg& socket) { … });
///
/// The kernel chooses the sockets: asking for one port costs nothing for the connections of others. Never
/// waits for anybody but the kernel. One thread at a time.
class TcpDiag {
 public:
  struct Wanted {
    int family = 0;            ///< AF_INET, or AF_INET6
    std::uint32_t states = 0;  ///< of netinet/tcp.h, a bit each
    int port = 0;              ///< the local one; 0: any
  };
  static Result<TcpDiag> Open();

  /// 0, or an errno: ENOENT where the kernel is built without CONFIG_INET_DIAG.
  [[nodiscard]] int Each(const Wanted& wanted, const std::function<void(const inet_diag_msg&)>& take) const;
  /// Ends a connection as if a reset had come. 0, or an errno: ENOENT where it has gone.
  [[nodiscard]] int Destroy(int family, const inet_diag_sockid& connection) const;

 private:
  explicit TcpDiag(UniqueFd netlink) : netlink_(std::move(netlink)) {}

  UniqueFd netlink_;
};

}  // namespace hydrapool::sys
