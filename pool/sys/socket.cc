#include "pool/sys/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "pool/sys/await.h"
#include "pool/sys/inheritance.h"
#include "pool/sys/unix_socket.h"

namespace hydrapool::sys {
namespace {

constexpr const char* kUnixPrefix = "unix:";

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<AddressList> Resolve(const std::string& address, bool passive) {
  const auto parts = SplitHostPort(address);
  if (!parts) return Failure("'" + address + "' is not HOST:PORT");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  const int code =
      ::getaddrinfo(parts->host.empty() ? nullptr : parts->host.c_str(), parts->port.c_str(), &hints, &found);
  if (code != 0) return Failure("'" + address + "': " + ::gai_strerror(code));
  return AddressList(found, &::freeaddrinfo);
}

void SetOption(int fd, int level, int name, int value, const char* what) {
  Check(::setsockopt(fd, level, name, &value, sizeof value), what);
}

bool SyncookiesOn() {
  std::ifstream file("/proc/sys/net/ipv4/tcp_syncookies");
  int value = 0;
  return file >> value && value != 0;
}

const addrinfo* Preferred(const addrinfo* list, bool all_addresses) {
  if (all_addresses) {  // one IPv6 socket takes both families
    for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
      if (a->ai_family == AF_INET6) return a;
    }
  }
  return list;
}

std::string Describe(const sockaddr_storage& address, socklen_t size) {
  if (address.ss_family == AF_UNIX) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(address);
    return size > offsetof(sockaddr_un, sun_path) ? std::string(kUnixPrefix) + local.sun_path : kUnixPrefix;
  }
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  std::string text = host;
  if (text.starts_with("::ffff:")) text = text.substr(7);  // IPv4 through an IPv6 socket
  return text.find(':') == text.npos ? text + ":" + port : "[" + text + "]:" + port;
}

UniqueFd ListenTcp(const std::string& address, const ListenOptions& options) {
  auto list = Resolve(address, true);
  if (!list) throw std::invalid_argument("cannot listen on " + list.error().message);
  const bool all = SplitHostPort(address)->host.empty();
  const addrinfo* chosen = Preferred(list->get(), all);
  UniqueFd fd(::socket(chosen->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd && all && errno == EAFNOSUPPORT) {
    chosen = list->get();
    fd.Reset(::socket(chosen->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }
  if (!fd) ThrowErrno(errno, "socket for " + address);
  SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (options.share_port) SetOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  SetOption(fd.get(), SOL_SOCKET, SO_OOBINLINE, 1, "SO_OOBINLINE");
  SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");
  if (chosen->ai_family == AF_INET6)
    SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, all ? 0 : 1, "IPV6_V6ONLY");
  if (options.defer_accept && SyncookiesOn())
    SetOption(fd.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, 1, "TCP_DEFER_ACCEPT");
  if (::bind(fd.get(), chosen->ai_addr, chosen->ai_addrlen) != 0)
    ThrowErrno(errno, "cannot listen on " + address);
  if (::listen(fd.get(), options.backlog) != 0) ThrowErrno(errno, "listen " + address);
  return fd;
}

UniqueFd ListenAnew(const std::string& address, const ListenOptions& options) {
  return address.starts_with(kUnixPrefix) ? ListenUnix(address.substr(std::strlen(kUnixPrefix)), options)
                                          : ListenTcp(address, options);
}

}  // namespace

std::optional<HostPort> SplitHostPort(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == address.npos) return std::nullopt;
  HostPort parts{address.substr(0, colon), address.substr(colon + 1)};
  unsigned port = 0;
  const char* end = parts.port.data() + parts.port.size();
  const auto [stop, error] = std::from_chars(parts.port.data(), end, port);
  if (error != std::errc() || stop != end || port > 65535) return std::nullopt;
  if (parts.host.starts_with('[')) {
    if (!parts.host.ends_with(']') || parts.host.size() < 3) return std::nullopt;
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  } else if (parts.host.find(':') != parts.host.npos) {
    return std::nullopt;
  }
  if (parts.host == "*") parts.host.clear();
  return parts;
}

Result<void> CheckAddress(const std::string& address) {
  if (address.starts_with(kUnixPrefix)) return CheckUnix(address.substr(std::strlen(kUnixPrefix)));
  if (const auto list = Resolve(address, true); !list) return Failure(list.error().message);
  return {};
}

Result<UniqueFd> Connect(const std::string& address, std::chrono::milliseconds timeout) {
  if (address.starts_with(kUnixPrefix)) return ConnectUnix(address.substr(std::strlen(kUnixPrefix)));
  auto list = Resolve(address, false);
  if (!list) return tl::unexpected(list.error());
  int error = 0;
  for (const addrinfo* a = list->get(); a != nullptr; a = a->ai_next) {
    UniqueFd fd(::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
      error = errno;
      continue;
    }
    if (::connect(fd.get(), a->ai_addr, a->ai_addrlen) != 0) {
      if (errno != EINPROGRESS) {
        error = errno;
        continue;
      }
      if (!Await(fd.get(), POLLOUT, timeout)) {
        error = ETIMEDOUT;
        continue;
      }
      socklen_t size = sizeof error;
      ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) continue;
    }
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
    return fd;
  }
  return Failure(error, "connect to " + address);
}

Accepted Accept(int listener) {
  for (;;) {
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) return {std::move(fd), 0};
    // A connection that ended before it was accepted is no failure of ours (accept(2), "Error handling").
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
    return {UniqueFd(), errno == EAGAIN ? 0 : errno};
  }
}

std::string LocalAddress(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? Describe(address, size) : "?";
}

namespace {

int OptionOf(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/// The host's bytes of an address; empty: any host.
std::string_view HostBytes(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& host = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    if (host.s_addr == htonl(INADDR_ANY)) return {};
    return {reinterpret_cast<const char*>(&host), sizeof host};
  }
  const auto& host = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_UNSPECIFIED(&host)) return {};
  return {reinterpret_cast<const char*>(&host), sizeof host};
}

}  // namespace

bool IsListening(int fd) { return OptionOf(fd, SO_ACCEPTCONN) == 1; }

bool IsAcceptedBy(int fd, int listener) {
  sockaddr_storage own{};
  sockaddr_storage theirs{};
  socklen_t own_size = sizeof own;
  socklen_t their_size = sizeof theirs;
  if (OptionOf(fd, SO_TYPE) != SOCK_STREAM || OptionOf(fd, SO_ACCEPTCONN) != 0) return false;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) return false;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&theirs), &their_size) != 0) return false;
  if (own.ss_family != theirs.ss_family) return false;
  if (own.ss_family == AF_UNIX) {
    const auto named = static_cast<socklen_t>(sizeof(sa_family_t));
    return own_size > named && own_size == their_size && std::memcmp(&own, &theirs, own_size) == 0;
  }
  const std::string_view host = HostBytes(theirs);
  return LocalPort(fd) == LocalPort(listener) && (host.empty() || host == HostBytes(own));
}

int LocalPort(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

std::string PeerAddress(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? Describe(address, size) : "?";
}

void ResetConnection(int fd) {
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  if (::connect(fd, &none, sizeof none) != 0) ::shutdown(fd, SHUT_RDWR);
}

}  // namespace hydrapool::sys

namespace hydrapool {

UniqueFd Listen(const std::string& address, const ListenOptions& options) {
  const std::string name = "listen " + address;
  UniqueFd fd = sys::inheritance::Take(name);
  if (!fd) fd = sys::ListenAnew(address, options);
  sys::inheritance::Leave(name, fd.get());
  return fd;
}

}  // namespace hydrapool
