#include "pool/admin/listen.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <system_error>

#include "hydrapool/listen.h"
#include "pool/admin/client.h"
#include "pool/sys/error.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_diag.h"
#include "pool/sys/unix_succession.h"

namespace hydrapool::admin {
namespace {

bool IsLeaving(const std::string& address) {
  const auto page = HttpGet(address, "/readyz", std::chrono::seconds(1));
  return page && page->status == 503 && page->body == "not ready: draining\n";
}

// The second of the two has index 1. A listener that is alone has none, and the kernel takes what there is.
void TakeAllConnections(int listener) {
  sock_filter second = BPF_STMT(BPF_RET | BPF_K, 1);
  const sock_fprog program{.len = 1, .filter = &second};
  sys::Check(::setsockopt(listener, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program),
             "SO_ATTACH_REUSEPORT_CBPF");
}

bool IsAt(const inet_diag_msg& socket, const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    return std::memcmp(socket.id.idiag_src, &v4, sizeof v4) == 0;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return std::memcmp(socket.id.idiag_src, &v6, sizeof v6) == 0;
}

}  // namespace

sys::UniqueFd ListenBesideLeaving(const std::string& address) {
  constexpr std::string_view kUnix = "unix:";
  try {
    return Listen(address);
  } catch (const std::system_error& error) {
    if (error.code().value() != EADDRINUSE || !IsLeaving(address)) throw;
  }
  if (address.starts_with(kUnix)) return sys::ListenInPlaceOf(address.substr(kUnix.size()));
  auto listener = Listen(address, {.share_port = true});
  TakeAllConnections(listener.get());
  return listener;
}

void LetSuccessorListen(int listener) {
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

bool AnotherListensBeside(int listener) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  const auto diag = sys::TcpDiag::Open();
  if (!diag || ::getsockname(listener, reinterpret_cast<sockaddr*>(&own), &size) != 0) return false;
  if (own.ss_family == AF_UNIX) return false;
  int there = 0;
  const sys::TcpDiag::Wanted wanted{
      .family = own.ss_family, .states = 1u << TCP_LISTEN, .port = sys::LocalPort(listener)};
  const int error =
      diag->Each(wanted, [&](const inet_diag_msg& socket) { there += IsAt(socket, own) ? 1 : 0; });
  return error == 0 && there > 1;
}

}  // namespace hydrapool::admin
