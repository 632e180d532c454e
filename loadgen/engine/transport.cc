#include "loadgen/engine/transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "loadgen/engine/expectation.h"

namespace hydrapool::loadgen {
namespace {

/// Bytes; OpenSSL's buffer holds a record, of 16 KiB and more.
constexpr std::uint64_t kFarFromFull = 8 * 1024;

bool WouldBlock(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK; }

int PendingError(int fd) {
  int error_number = 0;
  socklen_t size = sizeof error_number;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &size) == 0 ? error_number : errno;
}

}  // namespace

std::optional<ConnectError> Transport::Open(Endpoint& endpoint, const Security& security, sys::Nanos now,
                                            bool delay) {
  security_ = security;
  delay_ = delay;
  opened_at_ = now;
  at_ = {};
  walk_.Begin(endpoint, now);
  if (!walk_.has_address()) return ConnectError{Outcome::kResolve, walk_.error()};
  return TryAddresses();
}

std::optional<ConnectError> Transport::TryAddresses() {
  while (true) {
    bool connected = false;
    const int error_number = OpenSocket(connected);
    if (error_number == 0) return connected ? Connected() : std::nullopt;
    if (auto failed = NotConnected(error_number, false)) return failed;
  }
}

int Transport::OpenSocket(bool& connected) {
  const auto& address = walk_.address();
  const auto family = address.storage.ss_family;
  fd_.Reset(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return errno;
  if (const int error_number = thread_.sources.Bind(fd(), family); error_number != 0) return error_number;
  const int on = 1;
  if (family != AF_UNIX && !delay_) ::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  due_ = walk_.Due(opened_at_);
  address_ = thread_.counts.Opened(address.get(), address.size);
  connected = ::connect(fd(), address.get(), address.size) == 0;
  if (!connected && errno != EINPROGRESS) return errno;
  thread_.poller.Want(fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  return 0;
}

std::optional<ConnectError> Transport::NotConnected(int error_number, bool too_slow) {
  const sys::Nanos now = sys::Now();
  Close(now);
  opened_at_ = now;
  if (walk_.Next(too_slow)) return std::nullopt;
  return ConnectError{ConnectFailure(error_number), std::generic_category().message(error_number)};
}

std::optional<ConnectError> Transport::OnConnectDue(sys::Nanos now) {
  if (walk_.IsOver(now) || at_.connected != 0) {
    GaveUp();
    return Failed(Outcome::kTimeoutConnect, {});
  }
  auto failed = NotConnected(ETIMEDOUT, true);
  return failed ? failed : TryAddresses();
}

std::optional<ConnectError> Transport::OnEvents(std::uint32_t events) {
  if (at_.connected != 0) return Handshake();
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return std::nullopt;
  const int error_number = (events & (EPOLLERR | EPOLLHUP)) != 0 ? PendingError(fd()) : 0;
  if (error_number == 0 || error_number == ECONNRESET) return Connected();  // reset since
  auto failed = NotConnected(error_number, false);
  return failed ? failed : TryAddresses();
}

std::optional<ConnectError> Transport::Connected() {
  at_.connected = sys::Now();
  walk_.Connected();
  due_ = walk_.End();
  if (security_.tls == nullptr) {
    SetReady();
    return std::nullopt;
  }
  ssl_ = security_.tls->Begin(fd(), *security_.host);
  return ssl_ ? Handshake() : Failed(Outcome::kTls, security_.tls->error());
}

std::optional<ConnectError> Transport::Handshake() {
  errno = 0;
  const int returned = SSL_connect(ssl_.get());
  if (returned != 1) {
    const int error_number = errno;
    const int why = SSL_get_error(ssl_.get(), returned);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return std::nullopt;
    return Failed(Outcome::kTls, HandshakeError(ssl_.get(), why == SSL_ERROR_SYSCALL ? error_number : 0));
  }
  at_.secured = sys::Now();
  thread_.counts.Secured(SSL_session_reused(ssl_.get()) != 0);
  if (!security_.tls->Agreed(ssl_.get()))
    return Failed(Outcome::kTls, "the server does not agree on HTTP/2 (by ALPN): it speaks HTTP/1.1");
  SetReady();
  return std::nullopt;
}

void Transport::SetReady() {
  ready_ = true;
  thread_.counts.addresses.Connected(address_);
}

ConnectError Transport::Failed(Outcome outcome, std::string detail) {
  Close(sys::Now());
  return {outcome, std::move(detail)};
}

Transferred Transport::Send(std::string_view bytes, bool more) {
  if (ssl_) {
    std::size_t sent = 0;
    if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent) == 1) return {.size = sent};
    return TlsEnd();
  }
  while (true) {
    const auto n = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (n >= 0) return {.size = static_cast<std::size_t>(n)};
    if (WouldBlock(errno)) return {};
    if (errno != EINTR) return {.over = true, .error_number = errno};
  }
}

Transferred Transport::Receive(std::span<char> buffer) {
  if (ssl_) return ReceiveTls(buffer);
  while (true) {
    const auto n = ::recv(fd(), buffer.data(), buffer.size(), 0);
    if (n > 0)
      return {.size = static_cast<std::size_t>(n), .drained = static_cast<std::size_t>(n) < buffer.size()};
    if (n == 0) return {.over = true};
    if (WouldBlock(errno)) return {};
    if (errno != EINTR) return {.over = true, .error_number = errno};
  }
}

/// OpenSSL reads ahead, as much as its buffer holds: where it got less, there was no more.
Transferred Transport::ReceiveTls(std::span<char> buffer) {
  const auto before = BIO_number_read(SSL_get_rbio(ssl_.get()));
  std::size_t got = 0;
  if (SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &got) != 1) return TlsEnd();
  const auto read = BIO_number_read(SSL_get_rbio(ssl_.get())) - before;
  return {.size = got, .drained = read > 0 && read < kFarFromFull && SSL_has_pending(ssl_.get()) == 0};
}

Transferred Transport::TlsEnd() {
  const int error_number = TlsError(ssl_.get());
  if (error_number == EAGAIN) return {};
  return {.over = true, .error_number = error_number};
}

void Transport::CountOpen(sys::Nanos now) {
  if (open()) thread_.counts.Ended(fd(), opened_at_, now);
}

void Transport::Close(sys::Nanos now) {
  CountOpen(now);
  Drop();
}

void Transport::Drop() {
  ready_ = false;
  ssl_.reset();
  if (!open()) return;
  thread_.poller.Forget(fd());
  fd_.Reset();
}

}  // namespace hydrapool::loadgen
