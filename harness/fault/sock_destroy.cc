#include "harness/fault/sock_destroy.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <vector>

#include "pool/sys/socket.h"
#include "pool/sys/tcp_diag.h"

namespace hydrapool::harness {
namespace {

struct Connection {
  int family = 0;
  inet_diag_sockid id{};
};

}  // namespace

sys::Result<std::vector<int>> DestroyConnections(int port, double part) {
  const auto diag = sys::TcpDiag::Open();
  if (!diag) return tl::unexpected(diag.error());
  std::vector<Connection> found;
  for (const int family : {AF_INET, AF_INET6}) {
    const int error = diag->Each({.family = family, .states = 1u << TCP_ESTABLISHED, .port = port},
                                 [&](const inet_diag_msg& connection) {
                                   found.push_back({family, connection.id});
                                 });
    if (error != 0 && error != ENOENT) return sys::Failure(error, "sock_diag");
  }
  const auto wanted = static_cast<std::size_t>(std::ceil(part * static_cast<double>(found.size())));
  std::vector<int> ended;
  for (std::size_t i = 0; i < wanted; ++i) {
    const Connection& one = found[i * found.size() / wanted];
    const int error = diag->Destroy(one.family, one.id);
    if (error != 0 && error != ENOENT) {
      if (!ended.empty()) break;  // what was ended is to be told
      return sys::Failure(error, "SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY)");
    }
    if (error == 0) ended.push_back(ntohs(one.id.idiag_dport));
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
